"""Evaluations written as `evaluate` writes them, without its code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from components.core import store
from components.core.config.base import digest
from components.core.metrics.bootstrap import bootstrap
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import sigmoid
from components.core.store import Stage, Workspace

PLAN = Plan(draws=200)
Make = Callable[..., Stage]


def predictions(
    skill: float, *, patients: int = 200, folds: int = 1, noise: int = 0, threshold: float = 0.0
) -> pd.DataFrame:
    """Return predictions whose logit is `skill` times the truth plus noise of the seed `noise`."""
    rng = np.random.default_rng(7)
    truth = rng.normal(size=patients)
    label = (rng.random(patients) < sigmoid(1.5 * truth - 0.5)).astype(int)
    own = np.random.default_rng(100 + noise).normal(size=patients)
    logit = skill * truth + (1 - skill) * own
    number = np.arange(patients)
    fold = number % folds
    return pd.DataFrame(
        {
            "sample_id": [f"secret{i:03d}" for i in number],
            "patient_id": [f"private{i:03d}" for i in number],
            "label": label,
            "weight": np.where(number % 3 == 0, 1.5, 1.0),
            "logit": logit,
            "calibrated_logit": 0.9 * logit - 0.5,
            "margin": logit - threshold,
            "split": [f"r0f{k}" for k in fold] if folds > 1 else "holdout",
            "repeat": 0,
            "fold": fold,
        }
    )


def grouped(frame: pd.DataFrame, **columns: npt.ArrayLike) -> pd.DataFrame:
    """Return the groups of a cohort whose patients have those values, row by row of `frame`."""
    parts = [
        pd.DataFrame({"patient_id": frame["patient_id"], "column": name, "value": values})
        for name, values in columns.items()
    ]
    found = pd.concat(parts, ignore_index=True).astype("string")
    other = found["value"].str.startswith("other")
    return found.assign(key=found["value"].where(~other, ""))


@pytest.fixture
def make(data_folder: Path) -> Make:
    """Builder of an evaluate stage from predictions."""

    def build(
        frame: pd.DataFrame, *, split: str = "e" * 64, task: str = "toy", model: str = "net",
        groups: pd.DataFrame | None = None,
    ) -> Stage:  # fmt: skip
        told = "" if groups is None else groups.to_csv()
        return store.build(
            "evaluate", digest([frame.to_csv(), split, task, model, told])[:32],
            config={"task": task, "title": "A toy", "evaluate": {"draws": 200, "seed": 3}},
            inputs={}, compute=lambda work: _fill(work, frame, split, model, groups),
        )[0]  # fmt: skip

    return build


def _fill(
    work: Workspace, frame: pd.DataFrame, split: str, model: str, groups: pd.DataFrame | None
) -> None:
    if groups is not None:
        groups.to_parquet(work.path("groups.parquet"), index=False)
    frame.to_parquet(work.path("predictions.parquet"), index=False)
    rows = pd.Series(range(2, len(frame) + 2), index=frame.index).astype(str)
    shown = frame.assign(sample_id="row-" + rows, patient_id="patient-" + rows)
    shown.to_parquet(work.path("published", "predictions.parquet"), index=False)
    y, groups, weight = (frame[c].to_numpy() for c in ("label", "patient_id", "weight"))
    common: dict[str, Any] = {"groups": groups, "weight": weight, "plan": PLAN}
    found = bootstrap(y, frame["logit"].to_numpy(), metrics=["auroc", "auprc"], **common)
    prob = sigmoid(frame["calibrated_logit"].to_numpy())
    found |= bootstrap(y, prob, metrics=["brier", "calibration_slope"], **common)
    kept = {name: interval.to_dict() for name, interval in found.items()}
    work.path("metrics_test.json").write_text(json.dumps(kept))
    work.facts |= {
        "tags": {"model": model, "test_split": split},
        "figures": {
            "test/prevalence": float(np.average(y, weights=weight)),
            "test/patients": float(len(frame)),
            "test/events": float(y.sum()),
        },
    }
