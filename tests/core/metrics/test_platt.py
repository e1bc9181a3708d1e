"""Platt scaling against scikit-learn, and its file."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from components.core.errors import InputError
from components.core.metrics.calibration import logit, recalibration
from components.core.metrics.discrimination import auroc
from components.core.metrics.platt import PlattScaler
from tests.core.metrics.data import predictions


class Logits(ClassifierMixin, BaseEstimator):
    """Hands its only column through as decision function."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Logits:
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        return X[:, 0]

    def predict(self, X: np.ndarray) -> np.ndarray:
        return (X[:, 0] > 0).astype(float)


@pytest.mark.filterwarnings("ignore:Since FrozenEstimator does not appear:UserWarning")
@pytest.mark.parametrize("weighted", [False, True])
def test_agrees_with_scikit_learn(weighted: bool) -> None:
    data = predictions(11, ties=False)
    x, weight = 3 * logit(data.prob) + 2, data.weight if weighted else None
    peer = CalibratedClassifierCV(FrozenEstimator(Logits().fit(x[:, None], data.y)))
    peer.fit(x[:, None], data.y, sample_weight=weight)
    ours = PlattScaler.fit(x, data.y, weight)
    np.testing.assert_allclose(ours.apply(x), peer.predict_proba(x[:, None])[:, 1], atol=1e-3)


def test_restores_the_scale_and_keeps_the_ranking() -> None:
    data = predictions(12, patients=2000, ties=False)
    x = 4 * logit(data.prob) - 3
    scaler = PlattScaler.fit(x, data.y)
    prob = scaler.apply(x)
    found = recalibration(data.y, prob)
    assert (found.slope, found.in_the_large) == pytest.approx((1, 0), abs=0.02)
    assert auroc(data.y, prob) == auroc(data.y, x)
    np.testing.assert_allclose(1 / (1 + np.exp(-scaler.logit(x))), prob)


def test_separable_validation_data_give_a_finite_line() -> None:
    scaler = PlattScaler.fit([-2.0, -1.0, 1.0, 2.0], [0, 0, 1, 1])
    assert 0 < scaler.slope < 10
    assert scaler.intercept == pytest.approx(0, abs=1e-6)


def test_extreme_logits_do_not_overflow() -> None:
    assert PlattScaler(1.0, 0.0).apply([-1e6, 1e6]).tolist() == [0.0, 1.0]


def test_round_trip_is_exact() -> None:
    scaler = PlattScaler(1 / 3, -np.pi)
    assert PlattScaler.from_json(scaler.to_json()) == scaler


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not readable"),
        ("[]", "not readable"),
        ('{"kind": "platt", "slope": 1}', "not readable"),
        ('{"kind": "isotonic", "slope": 1, "intercept": 0}', "kind 'isotonic'"),
        ('{"kind": "platt", "slope": NaN, "intercept": 0}', "not a finite Platt line"),
    ],
)
def test_bad_files_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        PlattScaler.from_json(text)


def test_data_that_cannot_be_fitted_are_refused() -> None:
    with pytest.raises(InputError, match="weigh 0 positive and 2 negative"):
        PlattScaler.fit([0.0, 1.0], [0, 0])
    with pytest.raises(InputError, match="cannot be fitted on 2 validation logits between 1 and 1"):
        PlattScaler.fit([1.0, 1.0], [0, 1])
