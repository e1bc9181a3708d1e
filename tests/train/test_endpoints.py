"""A network with heads of two endpoints: what it trains on, what validation learns of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.core.data.batches import raw_batch
from components.core.data.cohort import Rows, read_part
from components.core.heads.censoring import view_weights
from components.core.heads.known import known_columns
from components.core.heads.registry import from_json
from components.core.store import Stage
from components.core.trained import members_of
from components.evaluate.heads.calibrated import calibrations, threshold_of
from components.evaluate.predictions import validation
from components.train.fit import VAL
from tests.chain import audited, prepared, task_config, trained
from tests.endpoint_cohort import HEADS, LABEL, SPLIT, ingested_records, patients

KINDS = from_json(HEADS)
FOLD = "holdout"


@pytest.fixture(scope="module")
def cohort(toy_data: Path) -> Stage:
    with pytest.MonkeyPatch.context() as patch:
        source = ingested_records(patients(400), toy_data, patch)
    return prepared(source, label=LABEL, heads=HEADS, modalities=["tabular"], split=SPLIT)


@pytest.fixture(scope="module")
def training(cohort: Stage) -> Stage:
    task = task_config(
        label={"definition": "death", "prediction_time": "day 0"} | LABEL,
        heads=HEADS,
        model={"name": "trunk", "hidden_size": 8, "tabular_hidden": 8, "head_hidden": 8},
        fit={"epochs": 2, "batch": 32, "device": "cpu", "precision": "fp32", "monitor": "loss"},
    )
    return trained(audited(cohort, label=LABEL), task)


def parts(cohort: Stage) -> tuple[Rows, Rows]:
    train, val = (read_part(cohort, FOLD, p, known=known_columns(KINDS)) for p in ("train", "val"))
    return train, val


def test_batches_bring_the_outcomes_of_every_endpoint(cohort: Stage) -> None:
    train, _ = parts(cohort)
    assert train.frame["label"].isna().any()
    batch = raw_batch(train, np.arange(16))
    outcomes = {"time_days", "event_code", "time_days.relapse", "event_code.relapse"}
    assert outcomes | {f"y.{name}" for name in HEADS} <= set(batch)
    expected = train.frame["time_days.relapse"].to_numpy(np.float32)[:16]
    np.testing.assert_array_equal(batch["time_days.relapse"].numpy(), expected)


def test_validation_keeps_each_endpoints_own_weights(cohort: Stage, training: Stage) -> None:
    train, val = parts(cohort)
    member = members_of(training, FOLD)[0]
    stored = pd.read_parquet(training.folder / member.folder / VAL)
    assert "weight.death" not in stored
    for name in ("relapse", "relapse_time"):
        expected = view_weights(KINDS[name], val.frame, train.frame)
        np.testing.assert_allclose(stored[f"weight.{name}"], expected)
        assert np.ptp(expected[expected > 0]) > 0
    np.testing.assert_allclose(stored["weight"], val.frame["weight"])


def test_calibration_and_threshold_go_by_them(
    training: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    members, plain = members_of(training, FOLD), validation(training, FOLD)
    assert "weight.relapse" in plain
    own = calibrations(training, [FOLD], members, "platt")
    cut = threshold_of(training, [FOLD], "relapse", "youden")
    # Those with the event weigh next to nothing: everyone's probability falls, not that of death.
    light = plain["weight.relapse"].where(plain["truth.relapse"].ne(1), 1e-3)
    monkeypatch.setattr(
        "components.evaluate.heads.calibrated.validation",
        lambda *_: plain.assign(**{"weight.relapse": light}),
    )
    other = calibrations(training, [FOLD], members, "platt")
    assert other["death"] == own["death"]
    assert other["relapse"] != own["relapse"]
    assert np.isfinite(cut)
