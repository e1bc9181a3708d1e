"""The ECE that right probabilities have by chance, against outcomes drawn one sample at a time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from components.core.metrics.calibration import ece
from components.core.metrics.calibration_chance import ece_by_chance


def probabilities(count: int) -> np.ndarray:
    return expit(np.random.default_rng(1).normal(0.9, 1.2, count))


@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_quantile_of_what_is_measured_on_drawn_outcomes(*, weighted: bool) -> None:
    prob, rng = probabilities(200), np.random.default_rng(7)
    weight = rng.uniform(0.5, 3.0, 200) if weighted else np.ones(200)
    drawn = [ece((rng.random(200) < prob).astype(float), prob, weight) for _ in range(1500)]
    for level in (0.5, 0.95):
        own = ece_by_chance(prob, weight, level=level)
        # Standard error of a quantile of 1,500 draws: below 0.0015 at both.
        assert own == pytest.approx(np.quantile(drawn, level), abs=0.005)


def test_it_shrinks_with_the_root_of_the_patients() -> None:
    few, many = (
        ece_by_chance(probabilities(n), np.ones(n), level=0.95, draws=500) for n in (300, 4800)
    )
    assert few / many == pytest.approx(4.0, rel=0.15)


def test_it_repeats_and_is_the_same_however_many_are_drawn_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prob, weight = probabilities(50), np.ones(50)
    whole = ece_by_chance(prob, weight, level=0.9, draws=200)
    monkeypatch.setattr("components.core.metrics.calibration_chance._BLOCK", 50 * 7)
    assert ece_by_chance(prob, weight, level=0.9, draws=200) == whole
