"""The two-by-two table at many thresholds at once, and the figures that follow from it.

The thresholds cut the probabilities into bins; a draw's table at every threshold is one weighted
count per bin and class, summed from the top. Time and memory do not grow with the number of
thresholds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray, binary, probabilities
from components.core.metrics.metric import RowWeights, Statistic


@dataclass(frozen=True, eq=False)
class Cells:
    """Weights of `D` draws at `k` thresholds.

    Attributes:
        true: `[D, k]` of positives at or above the threshold.
        false: `[D, k]` of negatives at or above it.
        positive: `[D, 1]` of all positives.
        negative: `[D, 1]` of all negatives.
    """

    true: FloatArray
    false: FloatArray
    positive: FloatArray
    negative: FloatArray


def cells_at(
    y: FloatArray, prob: FloatArray, thresholds: FloatArray
) -> Callable[[RowWeights], Cells]:
    """Return a function from row weights to the tables.

    Args:
        y: `[n]` 0 or 1.
        prob: `[n]` probabilities; at or above the threshold a patient is called positive.
        thresholds: `[k]` in (0, 1).

    Raises:
        InputError: arrays that do not fit together, or a threshold outside (0, 1).
    """
    labels = binary(y)
    risk = probabilities(prob, rows=labels.size)
    _check(thresholds)
    bins, order = thresholds.size + 1, np.argsort(thresholds)
    # Bin b lies at or above b of the thresholds, and a threshold's place tells how many those are.
    place = 1 + np.argsort(order)
    bin_of = np.searchsorted(thresholds[order], risk, side="right")
    cell = bin_of + bins * labels.astype(np.int64)
    every = np.arange(labels.size)

    def evaluate(weights: RowWeights) -> Cells:
        drawn = weights.take(every)
        sums = np.stack([np.bincount(cell, weights=row, minlength=2 * bins) for row in drawn])
        upwards = sums.reshape(-1, 2, bins)[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]
        false, true = upwards[:, 0], upwards[:, 1]
        return Cells(true[:, place], false[:, place], true[:, :1], false[:, :1])

    return evaluate


def operating_points(y: FloatArray, prob: FloatArray, thresholds: FloatArray) -> Statistic:
    """Return sensitivity, specificity, PPV, NPV and net benefit at each threshold.

    Arguments and errors as in `cells_at`. Figures are named `sensitivity@t` and so on; NaN where
    the denominator is 0, as in `threshold.at_threshold`.
    """
    tables = cells_at(y, prob, thresholds)
    odds = thresholds / (1 - thresholds)

    def evaluate(weights: RowWeights) -> FloatArray:
        found = tables(weights)
        missed, spared = found.positive - found.true, found.negative - found.false
        with np.errstate(invalid="ignore", divide="ignore"):
            figures = (
                found.true / found.positive,
                spared / found.negative,
                found.true / (found.true + found.false),
                spared / (spared + missed),
                (found.true - odds * found.false) / (found.positive + found.negative),
            )
        return np.hstack(figures)

    names = tuple(f"{figure}@{t:g}" for figure in FIGURES for t in thresholds.tolist())
    return Statistic(names, evaluate)


FIGURES = ("sensitivity", "specificity", "ppv", "npv", "net_benefit")


def _check(thresholds: FloatArray) -> None:
    if thresholds.size == 0 or (thresholds <= 0).any() or (thresholds >= 1).any():
        wrong = thresholds[(thresholds <= 0) | (thresholds >= 1)]
        value = f"is {wrong[0]:g}" if wrong.size else "is missing"
        raise InputError(f"a decision threshold {value}; give values in (0, 1)")
