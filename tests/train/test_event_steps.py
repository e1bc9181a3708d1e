"""Schedules of a training on sequences follow the number of batches that an epoch really has."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from components.core.config.fit import FitConfig
from components.core.data.batches import loader
from components.core.data.cohort import read_part
from components.core.device import resolve
from components.core.members import data_spec
from components.core.models.registry import build_model
from components.train.fit import FitJob, fit
from components.train.module import Module
from tests.chain import task_config
from tests.event_cohort import ingested_stays, prepared_stays, write_stays


def test_the_schedule_knows_how_many_batches_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(Module, "count_steps", lambda self, steps: told.append(steps))
    rows = read_part(prepared_stays(ingested_stays(write_stays(tmp_path))), "holdout", "train")
    config = FitConfig(epochs=1, batch=32, tokens=60, device="cpu", precision="fp32")
    label = {"name": "label", "definition": "d", "prediction_time": "t"}
    torch.manual_seed(0)
    settings = {"name": "event_transformer", "d_model": 8, "layers": 1, "heads": 2,
                "feedforward": 8, "pool_heads": 2, "hidden": [4, 4]}  # fmt: skip
    model = build_model(settings, data_spec(rows, leads=0, length=0, heads={"label": 2}))
    job = FitJob(
        train=rows, val=None, config=config, heads=task_config(label=label).all_heads(),
        place=resolve("cpu", "fp32"), seed=0, folder=tmp_path / "fit", name="",
    )  # fmt: skip
    fit(model, job)
    expected = len(list(loader(rows, batch=32, tokens=60, shuffle=True)))
    assert told == [expected]
    assert expected > len(rows) // 32
