"""Brier scores where a fold's validation part could teach no recalibration."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd

from components.core.metrics.resampling import Plan
from components.core.metrics.tables import sigmoid
from components.evaluate.inputs import stress
from components.evaluate.inputs.subsets import condition
from components.evaluate.predictions import FoldTest
from components.evaluate.robustness.figures import BASE, compare

PLAN = Plan(draws=50)
LOST = condition(("emb_clinical",), ("emb_clinical", "emb_spatial"))


def predictions(rows: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    logit = rng.normal(size=rows)
    fold = np.arange(rows) % 2
    shifted = {BASE: logit, LOST.key: logit + 0.1}
    own = {
        f"{kind}.{key}": each for kind in ("logit", "calibrated") for key, each in shifted.items()
    }
    return pd.DataFrame(
        {"sample_id": [f"s{i}" for i in range(rows)], "patient_id": [f"p{i}" for i in range(rows)],
         "label": (rng.random(rows) < sigmoid(logit)).astype(int), "weight": 1.0, "repeat": 0,
         "fold": fold, **own}
    )  # fmt: skip


def test_no_brier_score_of_some_folds_alone() -> None:
    whole = predictions()
    found = compare(whole, [LOST], PLAN, of_records=80)
    assert set(found.base) == {"auroc", "auprc", "brier"}
    part = whole.copy()
    part.loc[part["fold"] == 1, [f"calibrated.{BASE}", f"calibrated.{LOST.key}"]] = np.nan
    lacking = compare(part, [LOST], PLAN, of_records=80)
    assert set(lacking.base) == {"auroc", "auprc"}
    assert lacking.base["auroc"] == found.base["auroc"]
    assert set(lacking.disturbed[0].figures) == {"auroc", "auprc", "auroc_diff", "auprc_diff"}


def test_without_a_recalibration_subsets_keep_their_log_odds() -> None:
    own = predictions(4).assign(logit=0.5, fold=0)
    asked = stress.Asked(view=cast(Any, None), records=own, primary=False)
    test = FoldTest(fold="r0f0", rows=cast(Any, None), frame=own, calibration=cast(Any, None))
    table = pd.DataFrame({BASE: 0.5, LOST.key: [1.0, 2.0, np.nan, 3.0]}, index=own["sample_id"])
    found = stress._told(asked, table, test, None)
    assert found[f"logit.{LOST.key}"].tolist()[:2] == [1.0, 2.0]
    assert found[[f"calibrated.{BASE}", f"calibrated.{LOST.key}"]].isna().all(axis=None)
