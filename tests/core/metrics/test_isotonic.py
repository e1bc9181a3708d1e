"""Isotonic recalibration against scikit-learn, its bounds, and its file."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from components.core.errors import InputError
from components.core.metrics.calibration import logit
from components.core.metrics.isotonic import FEWEST, IsotonicScaler
from tests.core.metrics.data import predictions


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ties", [False, True])
def test_agrees_with_scikit_learn(ties: bool, weighted: bool) -> None:
    data = predictions(3, patients=400, ties=ties)
    x, weight = logit(data.prob), data.weight if weighted else None
    peer = IsotonicRegression(out_of_bounds="clip").fit(x, data.y, sample_weight=weight)
    total = data.weight.sum() if weighted else data.y.size
    wanted = np.clip(peer.predict(x), 1 / (total + 2), (total + 1) / (total + 2))
    np.testing.assert_allclose(IsotonicScaler.fit(x, data.y, weight).apply(x), wanted, atol=1e-12)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20))
def test_never_falls_and_always_has_a_finite_logit(values: list[float]) -> None:
    data = predictions(4, patients=200)
    scaler = IsotonicScaler.fit(logit(data.prob), data.y)
    found = scaler.logit(sorted(values))
    assert np.isfinite(found).all()
    assert (np.diff(found) >= 0).all()
    np.testing.assert_allclose(1 / (1 + np.exp(-found)), scaler.apply(sorted(values)))


def test_no_patient_is_certain() -> None:
    x = np.linspace(-1, 1, 2 * FEWEST)
    scaler = IsotonicScaler.fit(x, x > 0)
    total = 2 * FEWEST
    assert scaler.apply([-9.0, 9.0]).tolist() == [1 / (total + 2), (total + 1) / (total + 2)]


def test_any_rising_curve_is_followed() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, 60_000)
    true = np.where(x < 0, 0.1, 0.1 + 0.2 * x)
    scaler = IsotonicScaler.fit(x, rng.random(x.size) < true)
    grid = np.linspace(-1.5, 1.5, 7)
    wanted = np.where(grid < 0, 0.1, 0.1 + 0.2 * grid)
    np.testing.assert_allclose(scaler.apply(grid), wanted, atol=0.03)


def test_round_trip_is_exact() -> None:
    data = predictions(5)
    scaler = IsotonicScaler.fit(logit(data.prob), data.y)
    again = IsotonicScaler.from_json(scaler.to_json())
    assert again == scaler
    assert again.apply([0.123]).tolist() == scaler.apply([0.123]).tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not readable"),
        ('{"kind": "isotonic", "logits": 3, "probabilities": [0.5]}', "not readable"),
        ('{"kind": "isotonic", "logits": [0], "probabilities": ["x"]}', "not readable"),
        ('{"kind": "platt", "logits": [0], "probabilities": [0.5]}', "kind 'platt' with 1 and 1"),
        ('{"kind": "isotonic", "logits": [], "probabilities": []}', "not a rising curve"),
        ('{"kind": "isotonic", "logits": [0, 1], "probabilities": [0.5]}', "with 2 and 1 numbers"),
        ('{"kind": "isotonic", "logits": [0, 0], "probabilities": [0.5, 0.6]}', "not a rising"),
        ('{"kind": "isotonic", "logits": [0, 1], "probabilities": [0.6, 0.5]}', "not a rising"),
        ('{"kind": "isotonic", "logits": [0, 1], "probabilities": [0, 0.5]}', "not a rising"),
        ('{"kind": "isotonic", "logits": [0, 1], "probabilities": [0.5, 1]}', "not a rising"),
        ('{"kind": "isotonic", "logits": [0, NaN], "probabilities": [0.1, 0.5]}', "not a rising"),
    ],
)
def test_bad_files_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        IsotonicScaler.from_json(text)


def test_too_few_events_are_refused() -> None:
    y = np.arange(2000) < FEWEST - 1
    with pytest.raises(InputError, match="on 2000 validation patients, 99 of them in the rarer"):
        IsotonicScaler.fit(np.linspace(0, 1, 2000), y)
    weight = np.ones(2000)
    weight[:5] = 0
    with pytest.raises(InputError, match=r"needs 100 per class: set evaluate.recalibrate to platt"):
        IsotonicScaler.fit(np.linspace(0, 1, 2000), np.arange(2000) < FEWEST + 3, weight)
    with pytest.raises(InputError, match="isotonic regression needs both classes"):
        IsotonicScaler.fit([0.0, 1.0], [0, 0])
