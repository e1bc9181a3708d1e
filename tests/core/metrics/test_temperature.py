"""Temperature scaling against scikit-learn, what it cannot do, and its file."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from components.core.errors import InputError
from components.core.metrics.calibration import logit, recalibration
from components.core.metrics.discrimination import auroc
from components.core.metrics.temperature import TemperatureScaler
from tests.core.metrics.data import predictions


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_scikit_learn(seed: int, weighted: bool) -> None:
    data = predictions(seed, ties=False)
    x, weight = 3 * logit(data.prob), data.weight if weighted else None
    peer = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-12, solver="newton-cholesky")
    peer.fit(x[:, None], data.y, sample_weight=weight)
    found = TemperatureScaler.fit(x, data.y, weight)
    assert found.temperature == pytest.approx(1 / peer.coef_[0, 0], rel=1e-6)
    np.testing.assert_allclose(found.apply(x), peer.predict_proba(x[:, None])[:, 1], atol=1e-7)


def test_a_known_temperature_is_recovered_and_the_ranking_kept() -> None:
    rng = np.random.default_rng(1)
    true = rng.normal(size=100_000)
    y = rng.random(true.size) < 1 / (1 + np.exp(-true))
    found = TemperatureScaler.fit(2.5 * true, y)
    assert found.temperature == pytest.approx(2.5, abs=0.03)
    assert auroc(y, found.apply(2.5 * true)) == auroc(y, true)
    np.testing.assert_allclose(found.logit([5.0, -2.5]), [5 / found.temperature, -1], rtol=0.02)


def test_a_shift_of_the_prevalence_stays() -> None:
    rng = np.random.default_rng(2)
    true = rng.normal(size=50_000) - 2
    y = rng.random(true.size) < 1 / (1 + np.exp(-true))
    weighted_classes = true + 2
    found = TemperatureScaler.fit(weighted_classes, y)
    assert recalibration(y, found.apply(weighted_classes)).in_the_large < -0.5


def test_round_trip_is_exact_and_extremes_do_not_overflow() -> None:
    scaler = TemperatureScaler(np.pi / 3)
    assert TemperatureScaler.from_json(scaler.to_json()) == scaler
    assert scaler.apply([-1e6, 1e6]).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not readable"),
        ('{"kind": "temperature"}', "not readable"),
        ('{"kind": "platt", "temperature": 1}', "kind 'platt'"),
        ('{"kind": "temperature", "temperature": 0}', "not a temperature above 0"),
        ('{"kind": "temperature", "temperature": Infinity}', "not a temperature above 0"),
        ('{"kind": "temperature", "temperature": NaN}', "not a temperature above 0"),
    ],
)
def test_bad_files_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TemperatureScaler.from_json(text)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([0.0, 1.0], [0, 0], "temperature scaling needs both classes"),
        ([-1.0, 1.0], [0, 1], r"no temperature above 0 on 2 validation logits \(.* is nan\)"),
        ([0.0, 0.0], [0, 1], "no temperature above 0"),
        ([1.0, 2.0, -1.0, 1.0], [0, 0, 1, 1], r"is -\d.*set evaluate.recalibrate to platt"),
    ],
    ids=["one class", "separable", "all zero", "reversed"],
)
def test_data_without_a_temperature_are_refused(x: list[float], y: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TemperatureScaler.fit(x, y)
