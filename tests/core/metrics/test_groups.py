"""Figures within a group against scikit-learn, and the level for many groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from components.core.metrics.groups import ranking_within, widened
from components.core.metrics.metric import RowWeights
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import PatientTables


def test_figures_of_a_part_are_scikit_learns_on_its_rows() -> None:
    rng = np.random.default_rng(0)
    n = 120
    frame = pd.DataFrame(
        {
            "patient_id": [f"p{i:03d}" for i in range(n)], "repeat": 0, "fold": 0,
            "label": (rng.random(n) < 0.4).astype(int), "weight": rng.uniform(0.5, 2, n),
            "logit": rng.normal(size=n), "other": rng.normal(size=n),
        }
    )  # fmt: skip
    rows = np.flatnonzero(rng.random(n) < 0.5)
    tables = PatientTables(each=frame, pooled=frame, folded=False)
    weights = RowWeights.observed(n, frame["weight"].to_numpy())
    part = frame.iloc[rows]
    for score in ("logit", "other"):
        found = ranking_within(tables, rows, ("a", "b"), ("auroc", "auprc"), score=score)
        value = found.value(weights)
        given = {"y_true": part["label"], "y_score": part[score], "sample_weight": part["weight"]}
        assert value["a"] == pytest.approx(roc_auc_score(**given))
        assert value["b"] == pytest.approx(average_precision_score(**given))


def test_many_comparisons_widen_the_level_and_keep_twenty_draws_in_each_tail() -> None:
    plan = Plan(draws=500)
    assert widened(plan, 0) == widened(plan, 1)
    assert widened(plan, 1).level == pytest.approx(0.95)
    wide = widened(plan, 20)
    assert wide.level == pytest.approx(0.9975)
    assert wide.draws == 16_000
    assert wide.seed == plan.seed
