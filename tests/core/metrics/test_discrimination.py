"""Discrimination against scikit-learn, and its edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from sklearn import metrics as peer

from components.core.errors import InputError
from components.core.metrics.discrimination import (
    auprc,
    auroc,
    pr_curve_points,
    roc_curve_points,
)
from components.core.metrics.metric import RowWeights, Sample, statistics_for
from components.core.metrics.registry import named
from tests.core.metrics.data import Predictions, predictions, tied_predictions


def figure(name: str, data: Predictions, weight: np.ndarray | None = None) -> float:
    sample = Sample(y=data.y, score=data.prob, weight=weight)
    return statistics_for(sample, named([name])).value(RowWeights.observed(data.y.size, weight))[
        name
    ]


@given(tied_predictions())
def test_areas_agree_with_scikit_learn_under_ties_and_weights(data: Predictions) -> None:
    for weight in (None, data.weight):
        known = slice(None) if weight is None else weight > 0
        own = None if weight is None else weight[known]
        y, prob = data.y[known], data.prob[known]
        assert auroc(data.y, data.prob, weight) == pytest.approx(
            peer.roc_auc_score(y, prob, sample_weight=own), abs=1e-12
        )
        assert auprc(data.y, data.prob, weight) == pytest.approx(
            peer.average_precision_score(y, prob, sample_weight=own), abs=1e-12
        )


@given(tied_predictions())
def test_area_under_the_roc_points_is_the_auroc(data: Predictions) -> None:
    curve = roc_curve_points(data.y, data.prob, data.weight)
    area = float(np.trapezoid(curve.y, curve.x))
    assert area == pytest.approx(auroc(data.y, data.prob, data.weight), abs=1e-12)


def test_curves_agree_with_scikit_learn_point_by_point() -> None:
    data = predictions(1)
    roc = roc_curve_points(data.y, data.prob, data.weight)
    fpr, tpr, cuts = peer.roc_curve(
        data.y, data.prob, sample_weight=data.weight, drop_intermediate=False
    )
    np.testing.assert_allclose(roc.x, fpr, atol=1e-12)
    np.testing.assert_allclose(roc.y, tpr, atol=1e-12)
    np.testing.assert_array_equal(roc.threshold, cuts)
    pr = pr_curve_points(data.y, data.prob)
    precision, recall, cuts = peer.precision_recall_curve(data.y, data.prob)
    np.testing.assert_allclose(pr.x[::-1], recall[:-1], atol=1e-12)
    np.testing.assert_allclose(pr.y[::-1], precision[:-1], atol=1e-12)
    np.testing.assert_array_equal(pr.threshold[::-1], cuts)


@pytest.mark.parametrize("weighted", [False, True])
def test_operating_points_are_the_best_that_the_roc_curve_offers(weighted: bool) -> None:
    data = predictions(2)
    weight = data.weight if weighted else None
    curve = roc_curve_points(data.y, data.prob, weight)
    assert figure("sensitivity_at_specificity_90", data, weight) == pytest.approx(
        curve.y[curve.x <= 0.1 + 1e-12].max()
    )
    assert figure("specificity_at_sensitivity_90", data, weight) == pytest.approx(
        1 - curve.x[curve.y >= 0.9 - 1e-12].min()
    )


def test_operating_point_counts_a_bound_met_exactly() -> None:
    y = np.array([1.0] * 10 + [0.0] * 10)
    score = np.concatenate([np.arange(11, 20), [0], [18.5], np.arange(1, 10)]).astype(float)
    data = Predictions(y, score, np.ones(20), np.arange(20))
    assert figure("sensitivity_at_specificity_90", data) == pytest.approx(0.9)
    assert figure("specificity_at_sensitivity_90", data) == pytest.approx(0.9)


def test_chance_level_when_all_scores_are_equal() -> None:
    y = [0, 0, 0, 1]
    assert auroc(y, [0.3] * 4) == 0.5
    assert auprc(y, [0.3] * 4) == 0.25


def test_one_class_has_no_discrimination() -> None:
    assert np.isnan(auroc([0, 0], [0.1, 0.2]))
    assert np.isnan(auprc([0, 0], [0.1, 0.2]))
    assert np.isnan(auroc([1, 1], [0.1, 0.2]))
    assert np.isnan(auroc([0, 1], [0.1, 0.2], [1.0, 0.0]))
    only = Predictions(np.zeros(2), np.array([0.1, 0.2]), np.ones(2), np.arange(2))
    assert np.isnan(figure("sensitivity_at_specificity_90", only))
    assert np.isnan(figure("specificity_at_sensitivity_90", only))
    assert np.isnan(roc_curve_points([0, 0], [0.1, 0.2]).y[1:]).all()


@pytest.mark.parametrize(
    ("y", "score", "weight", "message"),
    [
        ([], [], None, "no rows"),
        ([[0, 1]], [0.1, 0.2], None, "2 dimensions"),
        ([0, 2], [0.1, 0.2], None, "holds 2 in 1 of 2 rows"),
        ([0, float("nan")], [0.1, 0.2], None, "label is nan in row 1"),
        ([0, 1], [0.1], None, "score has 1 rows where 2"),
        ([0, 1], [0.1, float("inf")], None, "score is inf in row 1"),
        ([0, 1], [0.1, 0.2], [1.0, -1.0], "weight is -1"),
        ([0, 1], [0.1, 0.2], [0.0, 0.0], "all 2 weights are 0"),
    ],
)
def test_bad_arrays_are_refused(
    y: list[Any], score: list[Any], weight: list[Any] | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        auroc(y, score, weight)
