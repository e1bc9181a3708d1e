"""Trainings on sequences: schedules follow the batches there are, and records lose modalities."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from components.core.config.fit import FitConfig
from components.core.data.batches import loader
from components.core.data.cohort import Rows, read_part
from components.core.device import resolve
from components.core.members import data_spec
from components.core.models.registry import build_model
from components.core.models.stand_in import unlearned
from components.train.fit import FitJob, fit
from components.train.module import Module
from tests.chain import task_config
from tests.event_cohort import ingested_stays, prepared_stays, write_stays


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rows]:
    folder = tmp_path_factory.mktemp("stays")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(folder / "data"))
        yield read_part(prepared_stays(ingested_stays(write_stays(folder))), "holdout", "train")


def train(rows: Rows, folder: Path, **settings: Any) -> nn.Module:
    """Return a small network after one epoch."""
    config = FitConfig.model_validate(
        {"epochs": 1, "batch": 32, "device": "cpu", "precision": "fp32"} | settings
    )
    label = {"name": "label", "definition": "d", "prediction_time": "t"}
    torch.manual_seed(0)
    own = {"name": "event_transformer", "d_model": 8, "layers": 1, "heads": 2,
           "feedforward": 8, "pool_heads": 2, "hidden": [4, 4]}  # fmt: skip
    model = build_model(own, data_spec(rows, leads=0, length=0, heads={"label": 2}))
    job = FitJob(
        train=rows, val=None, config=config, heads=task_config(label=label).all_heads(),
        place=resolve("cpu", "fp32"), seed=0, folder=folder, name="",
    )  # fmt: skip
    fit(model, job)
    return model


def test_the_schedule_knows_how_many_batches_there_are(
    rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(Module, "count_steps", lambda self, steps: told.append(steps))
    train(rows, tmp_path, tokens=60)
    expected = len(list(loader(rows, batch=32, tokens=60, shuffle=True)))
    assert told == [expected]
    assert expected > len(rows) // 32


def test_a_record_may_lose_its_sequence_or_its_fields_while_training(
    rows: Rows, tmp_path: Path
) -> None:
    assert unlearned([train(rows, tmp_path / "whole")]) == ("events", "tabular")
    assert unlearned([train(rows, tmp_path / "dropped", modality_dropout=0.4)]) == ()
