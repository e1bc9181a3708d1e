"""Choosing a threshold on validation data, and the figures at a threshold on test data.

A score **at or above** the threshold is called positive.
"""

from __future__ import annotations

import numpy as np

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray, Vector, binary, finite, weights
from components.core.metrics.discrimination import Curve, pr_curve_points, roc_curve_points
from components.core.metrics.metric import Metric, RowWeights, Sample, Statistic

# Two candidates closer than this are the same value reached by another order of summation.
_TIE = 1e-12


def youden_threshold(y: Vector, score: Vector, weight: Vector | None = None) -> float:
    """Return the observed score that maximises sensitivity + specificity − 1 (Youden 1950).

    Of several maxima the lowest threshold is taken, the most sensitive one. Validation data only.

    Raises:
        InputError: bad arrays, or only one class.
    """
    _check_classes(y, weight)
    curve = roc_curve_points(y, score, weight)
    return _lowest_best(curve, curve.y - curve.x)


def f1_threshold(y: Vector, score: Vector, weight: Vector | None = None) -> float:
    """Return the observed score that maximises F1; the lowest one of several maxima.

    Validation data only.

    Raises:
        InputError: bad arrays, or only one class.
    """
    _check_classes(y, weight)
    curve = pr_curve_points(y, score, weight)
    recall, precision = curve.x, curve.y
    with np.errstate(invalid="ignore"):
        f1 = 2 * recall * precision / (recall + precision)
    return _lowest_best(curve, np.where(recall > 0, f1, 0.0))


def at_threshold(
    y: Vector, score: Vector, threshold: float, weight: Vector | None = None
) -> dict[str, float]:
    """Return accuracy, F1, sensitivity, specificity, PPV and NPV at `threshold`.

    All in [0, 1], higher is better. NaN where the denominator is 0: sensitivity without positives,
    specificity without negatives, PPV when nothing is called positive, NPV when nothing is called
    negative, F1 without positives among labels and calls.

    Raises:
        InputError: bad arrays, or a threshold that is NaN.
    """
    labels = binary(y)
    if np.isnan(threshold):
        raise InputError(
            "the threshold is NaN; choose one on validation data that has both classes"
        )
    values = finite(score, "the score", rows=labels.size)
    sample = Sample(y=labels, score=values, threshold=threshold)
    row_weights = RowWeights.observed(labels.size, weights(weight, rows=labels.size))
    return family(sample, NAMES).value(row_weights)


def family(sample: Sample, names: tuple[str, ...]) -> Statistic:
    """Prepare the figures `names` from the four cells of the two-by-two table."""
    called = (sample.score >= _threshold_of(sample)).astype(np.float64)
    y = sample.y
    cells = np.stack([y * called, (1 - y) * called, y * (1 - called), (1 - y) * (1 - called)], 1)

    def evaluate(row_weights: RowWeights) -> FloatArray:
        figures = _figures(row_weights.totals(cells))
        return np.stack([figures[name] for name in names], axis=1)

    return Statistic(names, evaluate)


def _threshold_of(sample: Sample) -> float | FloatArray:
    if sample.threshold is None:
        raise InputError("figures at a threshold need one; pass the one chosen on validation")
    return sample.threshold


def _figures(cells: FloatArray) -> dict[str, FloatArray]:
    """Return each figure `[D]` from true/false positive and false/true negative weight `[D, 4]`."""
    tp, fp, fn, tn = cells.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "accuracy": (tp + tn) / (tp + fp + fn + tn),
            "f1": 2 * tp / (2 * tp + fp + fn),
            "sensitivity": tp / (tp + fn),
            "specificity": tn / (tn + fp),
            "ppv": tp / (tp + fp),
            "npv": tn / (tn + fn),
        }


NAMES = ("accuracy", "f1", "sensitivity", "specificity", "ppv", "npv")
_TITLES = ("Accuracy", "F1", "Sensitivity", "Specificity", "PPV", "NPV")
METRICS = tuple(
    Metric(
        name=name,
        title=title,
        direction="higher",
        lo=0.0,
        hi=1.0,
        ideal=1.0,
        needs="decision",
        family=family,
    )
    for name, title in zip(NAMES, _TITLES, strict=True)
)


def _check_classes(y: Vector, weight: Vector | None) -> None:
    labels = binary(y)
    own = weights(weight, rows=labels.size)
    known = labels if own is None else labels[own > 0]
    if known.min() == known.max():
        raise InputError(
            f"all {known.size} validation rows have label {known[0]:g}, so no threshold can be "
            "chosen; hold back more patients for validation"
        )


def _lowest_best(curve: Curve, gain: FloatArray) -> float:
    # Thresholds fall along a curve: the last of the maxima is the lowest one.
    best = np.flatnonzero(gain >= gain.max() - _TIE)[-1]
    return float(curve.threshold[best])
