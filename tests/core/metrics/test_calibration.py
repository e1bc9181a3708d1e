"""Calibration against scikit-learn and by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from sklearn import metrics as peer
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from components.core.errors import InputError
from components.core.metrics import logistic
from components.core.metrics.calibration import (
    brier,
    ece,
    logit,
    recalibration,
    reliability_points,
)
from tests.core.metrics.data import Predictions, predictions, tied_predictions


def regression(data: Predictions, weight: np.ndarray | None) -> tuple[float, float]:
    """Slope and intercept of an unpenalised logistic regression."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000, solver="newton-cholesky")
        model.fit(logit(data.prob)[:, None], data.y, sample_weight=weight)
    return float(np.ravel(model.coef_)[0]), float(np.ravel(model.intercept_)[0])


@given(tied_predictions())
def test_brier_agrees_with_scikit_learn(data: Predictions) -> None:
    wanted = peer.brier_score_loss(data.y, data.prob, sample_weight=data.weight)
    assert brier(data.y, data.prob, data.weight) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_slope_and_intercept_agree_with_scikit_learn(seed: int, weighted: bool) -> None:
    data = predictions(seed, ties=False)
    weight = data.weight if weighted else None
    found = recalibration(data.y, data.prob, weight)
    assert (found.slope, found.intercept) == pytest.approx(regression(data, weight), abs=1e-5)


@pytest.mark.parametrize("seed", [24, 98, 339, 46, 78, 153])
def test_a_search_that_starts_at_the_maximum_arrives(seed: int) -> None:
    # At the warm start of these samples the gradient was rounding noise that seemed to overshoot.
    rng = np.random.default_rng(seed)
    x = rng.normal(size=100)
    prob = 1 / (1 + np.exp(-x))
    y = (rng.random(100) < prob).astype(float)
    found = recalibration(y, prob)
    data = Predictions(y, prob, np.ones(100), np.arange(100))
    assert (found.slope, found.intercept) == pytest.approx(regression(data, None), abs=1e-5)
    expected = 1 / (1 + np.exp(-(x + found.in_the_large)))
    assert expected.sum() == pytest.approx(y.sum(), rel=1e-8)


def test_in_the_large_makes_expected_equal_observed() -> None:
    data = predictions(4, ties=False)
    shift = recalibration(data.y, data.prob, data.weight).in_the_large
    expected = 1 / (1 + np.exp(-(logit(data.prob) + shift)))
    assert data.weight @ expected == pytest.approx(data.weight @ data.y, rel=1e-8)


def test_known_truth_is_recovered() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=200_000)
    y = rng.random(true.size) < 1 / (1 + np.exp(-true))
    too_extreme = 1 / (1 + np.exp(-(2 * true + 1)))
    found = recalibration(y, too_extreme)
    assert (found.slope, found.intercept) == pytest.approx((0.5, -0.5), abs=0.02)


@pytest.mark.parametrize(
    ("y", "prob"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]),
        ([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9]),
        ([0, 0, 1, 1], [0.1, 0.5, 0.5, 0.9]),
        ([0, 0, 0, 0], [0.1, 0.2, 0.8, 0.9]),
        ([0, 1, 0, 1], [0.3, 0.3, 0.3, 0.3]),
    ],
    ids=["separable", "reversed", "touching", "one class", "constant"],
)
def test_slope_without_a_finite_maximum_is_nan(y: list[int], prob: list[float]) -> None:
    found = recalibration(y, prob)
    assert np.isnan([found.slope, found.intercept]).all()


def test_a_search_that_does_not_arrive_is_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    data = predictions(8, ties=False)
    monkeypatch.setattr(logistic, "MAX_STEPS", 1)
    assert np.isnan(recalibration(data.y, data.prob**8).slope)


def test_in_the_large_is_nan_for_one_class_only() -> None:
    assert np.isnan(recalibration([0, 0], [0.2, 0.4]).in_the_large)
    assert recalibration([0, 1], [0.5, 0.5]).in_the_large == pytest.approx(0, abs=1e-9)


def test_nearly_separable_and_far_out_logits_are_still_solved() -> None:
    data = predictions(7, ties=False)
    prob = data.prob.copy()
    prob[:3] = 0.0, 1.0, 1e-9
    far = Predictions(data.y, prob, data.weight, data.patient)
    found = recalibration(far.y, far.prob)
    assert (found.slope, found.intercept) == pytest.approx(regression(far, None), abs=1e-4)


def test_reliability_agrees_with_scikit_learn_quantile_bins() -> None:
    data = predictions(5, ties=False)
    y, prob = data.y[:400], data.prob[:400]
    found = reliability_points(y, prob)
    observed, predicted = calibration_curve(y, prob, n_bins=10, strategy="quantile")
    np.testing.assert_allclose(found.observed, observed)
    np.testing.assert_allclose(found.predicted, predicted)
    assert found.rows.tolist() == [40] * 10
    assert ece(y, prob) == pytest.approx(np.abs(observed - predicted).mean())


def test_whole_weights_are_the_same_as_repeated_rows() -> None:
    data = predictions(6)
    times = np.round(data.weight).astype(int)
    again = np.repeat(np.arange(data.y.size), times)
    weighted = reliability_points(data.y, data.prob, times)
    repeated = reliability_points(data.y[again], data.prob[again])
    np.testing.assert_allclose(weighted.predicted, repeated.predicted)
    np.testing.assert_allclose(weighted.observed, repeated.observed)
    np.testing.assert_allclose(weighted.mass, repeated.mass)
    assert ece(data.y, data.prob, times) == pytest.approx(ece(data.y[again], data.prob[again]))


def test_tied_probabilities_share_a_bin() -> None:
    found = reliability_points([0, 1, 0, 1, 1], [0.2, 0.2, 0.2, 0.2, 0.9], bins=3)
    np.testing.assert_allclose(found.predicted, [0.2, 0.9])
    np.testing.assert_allclose(found.observed, [0.5, 1.0])
    np.testing.assert_allclose(found.mass, [0.8, 0.2])


def test_a_logit_is_refused_as_probability() -> None:
    with pytest.raises(InputError, match=r"-1.5, outside \[0, 1\], in 1 rows"):
        brier([0, 1], [-1.5, 0.2])
