"""Pointwise bootstrap bands of curves, on the project's one bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.metrics.calibration import BINS, equal_mass_bins
from components.core.metrics.checks import FloatArray
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.ranking import Steps, accumulate, rank
from components.core.metrics.resampling import Plan, clusters, replicate

# Places along the x axis at which a band is known.
GRID = np.linspace(0, 1, 101)


@dataclass(frozen=True, eq=False)
class Band:
    """Bounds at each place: at `GRID` for a curve, per non-empty bin for calibration."""

    lo: FloatArray
    hi: FloatArray


def roc_band(
    y: FloatArray,
    score: FloatArray,
    patient: npt.NDArray[np.generic],
    *,
    weight: FloatArray | None,
    plan: Plan,
) -> Band:
    """Return bounds of sensitivity at each 1 − specificity of `GRID`."""
    return _curve_band(y, score, patient, weight=weight, plan=plan, at=_sensitivity)


def pr_band(
    y: FloatArray,
    score: FloatArray,
    patient: npt.NDArray[np.generic],
    *,
    weight: FloatArray | None,
    plan: Plan,
) -> Band:
    """Return bounds of precision at each recall of `GRID`."""
    return _curve_band(y, score, patient, weight=weight, plan=plan, at=_precision)


def bin_band(
    y: FloatArray,
    prob: FloatArray,
    patient: npt.NDArray[np.generic],
    *,
    weight: FloatArray | None,
    plan: Plan,
) -> Band:
    """Return bounds of the observed share in each non-empty bin of equal mass; bins stay fixed."""
    own = np.ones_like(y) if weight is None else weight
    where = equal_mass_bins(prob, own)
    full = [b for b in range(BINS) if own[where == b].any()]
    member = np.stack([(where == b).astype(np.float64) for b in full], axis=1)
    both = np.hstack([member * y[:, None], member])

    def evaluate(weights: RowWeights) -> FloatArray:
        sums = weights.totals(both)
        hits, mass = sums[:, : len(full)], sums[:, len(full) :]
        return np.where(mass > 0, hits / np.where(mass > 0, mass, 1.0), np.nan)

    statistic = Statistic(tuple(f"bin{b}" for b in full), evaluate)
    return _bounds(statistic, y, patient, weight=weight, plan=plan)


def _curve_band(
    y: FloatArray,
    score: FloatArray,
    patient: npt.NDArray[np.generic],
    *,
    weight: FloatArray | None,
    plan: Plan,
    at: Callable[[Steps, int], FloatArray],
) -> Band:
    ranking = rank(y, score)

    def evaluate(weights: RowWeights) -> FloatArray:
        steps = accumulate(ranking, weights)
        return np.stack([at(steps, draw) for draw in range(steps.positive.size)])

    statistic = Statistic(tuple(f"{place:.2f}" for place in GRID), evaluate)
    return _bounds(statistic, y, patient, weight=weight, plan=plan)


def _sensitivity(steps: Steps, draw: int) -> FloatArray:
    if not (steps.positive[draw] and steps.negative[draw]):
        return np.full(GRID.size, np.nan)
    reached = np.searchsorted(steps.false_upto[draw] / steps.negative[draw], GRID, side="right")
    return np.concatenate([[0.0], steps.true[draw]])[reached] / steps.positive[draw]


def _precision(steps: Steps, draw: int) -> FloatArray:
    if not steps.positive[draw]:
        return np.full(GRID.size, np.nan)
    true = steps.true[draw]
    # From the first drawn positive on; recall 0 takes the precision of that step.
    first = int(np.searchsorted(true, 0, side="right"))
    recall = true[first:] / steps.positive[draw]
    precision = true[first:] / (true[first:] + steps.false_upto[draw, first:])
    return precision[np.searchsorted(recall, GRID - 1e-12, side="left")]


def _bounds(
    statistic: Statistic,
    y: FloatArray,
    patient: npt.NDArray[np.generic],
    *,
    weight: FloatArray | None,
    plan: Plan,
) -> Band:
    within = clusters(patient, y, weight=weight, plan=plan)
    draws = replicate(statistic, within, weight=weight, plan=plan)
    tail = (1 - plan.level) / 2
    empty = np.isnan(draws).all(axis=0)
    lo, hi = np.full((2, draws.shape[1]), np.nan)
    if not empty.all():
        lo[~empty], hi[~empty] = np.nanquantile(draws[:, ~empty], [tail, 1 - tail], axis=0)
    return Band(lo, hi)
