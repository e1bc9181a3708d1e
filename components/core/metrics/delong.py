"""DeLong's test: do two models differ in AUROC on the same patients?

The covariance of two correlated AUROCs from the rank of each score among its own class and among
all (DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837), by midranks in O(n log n) (Sun and
Xu 2014, IEEE Signal Processing Letters 21:1389). It assumes independent rows, so one score per
patient, and knows no weights; the paired bootstrap needs neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray, Vector, binary, finite
from components.core.metrics.checks import weights as checked_weights
from components.core.metrics.interval import number


@dataclass(frozen=True, kw_only=True)
class DeLong:
    """The outcome of the test.

    Attributes:
        aurocs: of the first and of the second model.
        difference: first minus second.
        error: standard error of the difference.
        lo: lower bound of the interval of the difference (normal approximation).
        hi: upper bound.
        p: two-sided, of no difference; NaN where the standard error is 0 and the difference is not.
    """

    aurocs: tuple[float, float]
    difference: float
    error: float
    lo: float
    hi: float
    p: float

    def text(self) -> str:
        """Return difference, interval and p for print.

        >>> DeLong(
        ...     aurocs=(0.8, 0.7), difference=0.1, error=0.05, lo=0.002, hi=0.198, p=0.0456
        ... ).text()
        '0.100 (0.002 to 0.198), p = 0.046'
        """
        bounds = f"{number(self.lo)} to {number(self.hi)}"
        # Beyond three decimals a p-value from a normal approximation says nothing.
        p = "p < 0.001" if self.p < 0.0005 else f"p = {number(self.p)}"
        return f"{number(self.difference)} ({bounds}), {p}"


def delong(
    y: Vector,
    scores: tuple[Vector, Vector],
    groups: npt.ArrayLike,
    *,
    weight: Vector | None = None,
    level: float = 0.95,
) -> DeLong:
    """Return DeLong's test of the difference in AUROC, first minus second.

    Args:
        y: `[n]` labels 0 or 1.
        scores: `[n]` of either model; higher means more likely positive; ties count one half.
        groups: `[n]` patient ids, each once.
        weight: `[n]` row weights; refused unless all are 1.
        level: of the interval.

    Raises:
        InputError: a patient with several rows, row weights, fewer than two rows in a class, or
            arrays that do not fit together.
    """
    labels = binary(y)
    pair = [finite(score, "the score", rows=labels.size) for score in scores]
    _check(labels, np.asarray(groups), checked_weights(weight, rows=labels.size))
    parts = [_placements(labels, score) for score in pair]
    aurocs = float(parts[0][0].mean()), float(parts[1][0].mean())
    among = [one - two for one, two in zip(*parts, strict=True)]
    error = float(np.sqrt(sum(gap.var(ddof=1) / gap.size for gap in among)))
    difference = aurocs[0] - aurocs[1]
    margin = float(ndtri(0.5 + level / 2)) * error
    return DeLong(
        aurocs=aurocs,
        difference=difference,
        error=error,
        lo=difference - margin,
        hi=difference + margin,
        p=_p(difference, error),
    )


def _placements(labels: FloatArray, score: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return for each positive the share of negatives below it, for each negative that above it."""
    ranks = _midranks(score)
    own = np.empty_like(ranks)
    for flag in (0, 1):
        own[labels == flag] = _midranks(score[labels == flag])
    positive = labels == 1
    negatives, positives = int((~positive).sum()), int(positive.sum())
    return (
        (ranks - own)[positive] / negatives,
        1 - (ranks - own)[~positive] / positives,
    )


def _midranks(score: FloatArray) -> FloatArray:
    """Return ranks `[n]` from 1, tied scores sharing their mean."""
    _, where, size = np.unique(score, return_inverse=True, return_counts=True)
    return (np.cumsum(size) - (size - 1) / 2)[where]


def _p(difference: float, error: float) -> float:
    if error == 0:
        return 1.0 if difference == 0 else float("nan")
    return float(2 * ndtr(-abs(difference) / error))


def _check(labels: FloatArray, groups: npt.NDArray[np.generic], weight: FloatArray | None) -> None:
    if weight is not None and (weight != 1).any():
        raise InputError(
            f"DeLong's test knows no row weights, but they span {weight.min():g} to "
            f"{weight.max():g}; take the paired bootstrap instead"
        )
    if groups.shape != labels.shape or np.unique(groups).size != labels.size:
        raise InputError(
            f"DeLong's test takes independent rows, but {labels.size} rows have "
            f"{np.unique(groups).size} patient ids of shape {groups.shape}; average a patient's "
            "rows first or take the paired bootstrap"
        )
    fewest = int(min(labels.sum(), labels.size - labels.sum()))
    if fewest < 2:
        raise InputError(
            f"DeLong's test needs two patients in either class, but the rarer one has {fewest}; "
            "test on more patients"
        )
