"""Selective prediction: how wrong the answers are that a model gives when it may withhold others.

Answers are accepted from the most confident down. Coverage is the share accepted, selective risk
the share of wrong ones among them, and AURC the mean of that risk over coverages 1/n, 2/n, … 1
(Geifman and El-Yaniv, NeurIPS 2017; as an area Geifman, Uziel and El-Yaniv, ICLR 2019). Equally
confident answers are accepted in a random order, of which the expectation is given.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import digamma

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray, Vector, binary, finite
from components.core.metrics.checks import weights as checked_weights
from components.core.metrics.discrimination import Curve
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.ranking import Steps, accumulate, rank

# Half of the answers, two shares at which a service may still be of use, and all of them.
COVERAGES = (0.5, 0.8, 0.9, 1.0)
AREAS = ("aurc", "aurc_best", "aurc_random", "aurc_excess")


def aurc(wrong: Vector, confidence: Vector, weight: Vector | None = None) -> float:
    """Return the area under the risk-coverage curve; lower is better, in [0, 1].

    >>> round(aurc([0, 1, 0, 1], [0.9, 0.8, 0.7, 0.6]), 4)
    0.3333

    Args:
        wrong: `[n]` 1 for a wrong answer, 0 for a right one.
        confidence: `[n]` higher is accepted earlier; on any scale.
        weight: `[n]` row weights, each as so many rows.

    Raises:
        InputError: arrays that do not fit together.
    """
    labels = binary(wrong)
    own = checked_weights(weight, rows=labels.size)
    found = selective(labels, finite(confidence, "the confidence", rows=labels.size))
    return found.value(RowWeights.observed(labels.size, own))["aurc"]


def selective(
    wrong: Vector, confidence: Vector, *, coverages: Sequence[float] = COVERAGES
) -> Statistic:
    """Return AURC and accuracy at coverages for the bootstrap.

    Args:
        wrong: `[n]` 1 for a wrong answer, 0 for a right one.
        confidence: `[n]` higher is accepted earlier; on any scale.
        coverages: shares in (0, 1].

    Returns:
        `aurc` (lower is better), `aurc_best` with every right answer before every wrong one,
        `aurc_random` (the error rate itself), `aurc_excess` over the best, and
        `accuracy_at_coverage_<percent>`, in which a row at the bound counts by its share.

    Raises:
        InputError: arrays that do not fit together, or a coverage outside (0, 1].
    """
    labels = binary(wrong)
    ranking = rank(labels, finite(confidence, "the confidence", rows=labels.size))
    outside = [share for share in coverages if not 0 < share <= 1]
    if outside:
        raise InputError(
            f"the coverage is {outside[0]:g}; give a share of the answers above 0, at most 1"
        )

    def evaluate(weights: RowWeights) -> FloatArray:
        steps = accumulate(ranking, weights)
        return np.hstack([_areas(steps), _accuracies(steps, coverages)])

    at = tuple(f"accuracy_at_coverage_{100 * share:g}" for share in coverages)
    return Statistic((*AREAS, *at), evaluate)


def risk_coverage_points(wrong: Vector, confidence: Vector, weight: Vector | None = None) -> Curve:
    """Return coverage (x) and selective risk (y) at every distinct confidence, the highest first.

    Arguments and errors as in `aurc`.
    """
    labels = binary(wrong)
    values = finite(confidence, "the confidence", rows=labels.size)
    own = checked_weights(weight, rows=labels.size)
    own = np.ones_like(labels) if own is None else own
    order = np.argsort(-values, kind="stable")
    last = np.flatnonzero(np.diff(values[order], append=-np.inf))
    accepted, missed = np.cumsum(own[order])[last], np.cumsum((own * labels)[order])[last]
    with np.errstate(invalid="ignore"):
        return Curve(accepted / accepted[-1], missed / accepted, values[order][last])


def _bounds(steps: Steps) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return accepted weight `[D, m]` before each step's ties, after them, and before the next."""
    everyone = (steps.positive + steps.negative)[:, None]
    start = steps.true - steps.gained + steps.false_above
    return start, steps.true + steps.false_upto, np.hstack([start[:, 1:], everyone])


def _areas(steps: Steps) -> FloatArray:
    """Return `[D, 4]` the figures of `AREAS`.

    Within ties of share s wrong, the risk after j of them is (E + j·s)/(N + j) with E wrong among N
    accepted before; in the run of right answers that follows it is E/(N + j). Both sums are
    differences of harmonic numbers.
    """
    start, end, following = _bounds(steps)
    before, tied = steps.true - steps.gained, end - start
    share = np.divide(steps.gained, tied, out=np.zeros_like(tied), where=tied > 0)
    ties = share * tied + (before - share * start) * (_harmonic(end) - _harmonic(start))
    runs = steps.true * (_harmonic(following) - _harmonic(end))
    wrong, size = steps.positive, steps.positive + steps.negative
    best = wrong - steps.negative * (_harmonic(size) - _harmonic(steps.negative))
    with np.errstate(invalid="ignore", divide="ignore"):
        area, least = (ties + runs).sum(axis=1) / size, best / size
        return np.stack([area, least, wrong / size, area - least], axis=1)


def _harmonic(n: FloatArray) -> FloatArray:
    """Return 1 + 1/2 + … + 1/n up to a constant, for any n from 0."""
    return np.asarray(digamma(n + 1.0), dtype=np.float64)


def _accuracies(steps: Steps, coverages: Sequence[float]) -> FloatArray:
    """Return `[D, k]` the accuracy among the accepted."""
    start, end, _ = _bounds(steps)
    draws = steps.positive.size
    origin = np.zeros((draws, 1))
    # Wrong answers grow within ties only, so that these corners hold the whole line.
    accepted = np.hstack([origin, np.stack([start, end], axis=2).reshape(draws, -1)])
    missed = np.stack([steps.true - steps.gained, steps.true], axis=2).reshape(draws, -1)
    missed = np.hstack([origin, missed])
    allowed = (steps.positive + steps.negative)[:, None] * np.asarray(coverages)
    found = [np.interp(*row) for row in zip(allowed, accepted, missed, strict=True)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - np.stack(found) / allowed
