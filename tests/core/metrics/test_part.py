"""Figures of a part on the draws of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from components.core.metrics.bootstrap import difference, intervals
from components.core.metrics.metric import RowWeights, Sample, statistics_for
from components.core.metrics.part import observed_expected, renamed, restricted
from components.core.metrics.registry import named
from components.core.metrics.resampling import Plan, clusters, replicate
from tests.core.metrics.data import predictions


def test_a_part_counts_its_own_rows_in_every_draw() -> None:
    data = predictions(5, patients=60)
    rows = np.flatnonzero(np.arange(data.y.size) % 3 == 0)
    sample = Sample(y=data.y, score=data.prob)
    part = restricted(statistics_for(sample.part(rows), named(["auroc"])), rows)
    plan = Plan(draws=20, strata="never")
    within = clusters(data.patient, data.y, weight=None, plan=plan)
    draws = replicate(part, within, weight=None, plan=plan)
    for number in range(plan.draws):
        rng = np.random.default_rng((plan.seed, number))
        size = within.patients
        picked = rng.integers(0, size, size=size, dtype=np.uint32)
        times = np.bincount(picked, minlength=size)[within.patient][rows]
        expected = roc_auc_score(data.y[rows], data.prob[rows], sample_weight=times)
        assert draws[number, 0] == pytest.approx(expected)


def test_the_gap_of_a_part_to_itself_is_nothing() -> None:
    data = predictions(6, patients=60)
    rows = np.arange(0, data.y.size, 2)
    sample = Sample(y=data.y, score=data.prob).part(rows)
    own = restricted(statistics_for(sample, named(["auroc"])), rows)
    plan = Plan(draws=50)
    within = clusters(data.patient, data.y, weight=None, plan=plan)
    gap = intervals(renamed(difference(own, own), ("gap",)), within, weight=None, plan=plan)["gap"]
    assert (gap.value, gap.lo, gap.hi) == (0, 0, 0)


def test_observed_over_expected() -> None:
    y, prob = np.array([1.0, 0, 0, 1]), np.array([0.5, 0.25, 0.25, 0.5])
    weight = np.array([1.0, 1, 2, 3])
    statistic = observed_expected(y, prob)
    found = statistic.value(RowWeights.observed(4, weight))
    assert found["prevalence"] == pytest.approx(4 / 7)
    assert found["observed_expected"] == pytest.approx(4 / (0.5 + 0.25 + 0.5 + 1.5))
    nobody = RowWeights(np.zeros((1, 4), np.int64), np.arange(4))
    assert np.isnan(statistic.evaluate(nobody)).all()
