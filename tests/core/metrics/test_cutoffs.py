"""Figures at many thresholds against those at one, and against scikit-learn's table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import confusion_matrix

from components.core.errors import InputError
from components.core.metrics.cutoffs import FIGURES, cells_at, operating_points
from components.core.metrics.metric import RowWeights, Sample
from components.core.metrics.resampling import Plan, clusters, replicate
from components.core.metrics.threshold import at_threshold, family
from components.core.metrics.utility import net_benefit_curve
from tests.core.metrics.data import Predictions, predictions, tied_predictions

THRESHOLDS = np.array([0.05, 0.9, 0.3, 1 / 6, 0.5])  # in no order


@given(tied_predictions())
def test_each_threshold_by_itself_gives_the_same(data: Predictions) -> None:
    weights = RowWeights.observed(data.y.size, data.weight)
    found = operating_points(data.y, data.prob, THRESHOLDS).value(weights)
    benefit, _ = net_benefit_curve(data.y, data.prob, THRESHOLDS, data.weight)
    for place, t in enumerate(THRESHOLDS.tolist()):
        alone = at_threshold(data.y, data.prob, t, data.weight)
        for name in FIGURES[:-1]:
            np.testing.assert_allclose(found[f"{name}@{t:g}"], alone[name])
        np.testing.assert_allclose(found[f"net_benefit@{t:g}"], benefit[place])


def test_the_table_is_scikit_learns() -> None:
    data = predictions(1)
    found = cells_at(data.y, data.prob, THRESHOLDS)(RowWeights.observed(data.y.size, data.weight))
    for place, t in enumerate(THRESHOLDS):
        tn, fp, fn, tp = confusion_matrix(data.y, data.prob >= t, sample_weight=data.weight).ravel()
        assert found.true[0, place] == pytest.approx(tp)
        assert found.false[0, place] == pytest.approx(fp)
        assert found.positive[0, 0] == pytest.approx(tp + fn)
        assert found.negative[0, 0] == pytest.approx(tn + fp)


def test_draws_are_those_of_the_figures_at_one_threshold() -> None:
    data, plan = predictions(2), Plan(draws=50)
    within = clusters(data.patient, data.y, weight=data.weight, plan=plan)
    many = replicate(
        operating_points(data.y, data.prob, THRESHOLDS), within, weight=data.weight, plan=plan
    ).reshape(50, len(FIGURES), THRESHOLDS.size)
    sample = Sample(y=data.y, score=data.prob, threshold=0.3, weight=data.weight)
    one = replicate(family(sample, FIGURES[:-1]), within, weight=data.weight, plan=plan)
    np.testing.assert_allclose(many[:, :-1, 2], one)


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ([0.2, 1.0], r"decision threshold is 1; give values in \(0, 1\)"),
        ([], r"decision threshold is missing"),
    ],
)
def test_wrong_thresholds_are_refused(thresholds: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        cells_at(np.array([0.0, 1]), np.array([0.1, 0.9]), np.array(thresholds))
