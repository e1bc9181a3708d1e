"""How large an expected calibration error is by chance alone, were every probability right."""

from __future__ import annotations

import numpy as np

from components.core.metrics.calibration import BINS, equal_mass_bins
from components.core.metrics.checks import FloatArray

# Outcomes of so many patients are drawn at a time: 8 bytes each.
_BLOCK = 4_000_000


def ece_by_chance(
    prob: FloatArray, weight: FloatArray, *, level: float, draws: int = 2000, seed: int = 0
) -> float:
    """Return the ECE below which a model with right probabilities stays in `level` of all samples.

    Outcomes are drawn from the probabilities themselves and binned as `ece` bins them (consistency
    resampling: Bröcker and Smith, Weather and Forecasting 2007;22:651). In 300 patients at a
    prevalence of 70 % that is about 0.09: the ECE is biased upwards, the more so the fewer they
    are.

    Args:
        prob: `[n]` of the event.
        weight: `[n]`.
        level: in (0, 1).
        draws: of outcomes.
        seed: of the draws.
    """
    where = equal_mass_bins(prob, weight)
    inside = (where[:, None] == np.arange(BINS)) * weight[:, None]
    rng = np.random.default_rng(seed)
    size = max(1, _BLOCK // max(1, len(prob)))
    found: list[FloatArray] = []
    for first in range(0, draws, size):
        outcomes = rng.random((min(size, draws - first), len(prob))) < prob
        found.append(np.abs((prob - outcomes) @ inside).sum(axis=1) / weight.sum())
    return float(np.quantile(np.concatenate(found), level))
