"""How far predicted probabilities can be taken at their word: Brier score, ECE, slope, intercepts.

All take labels `y` `[n]` in {0, 1}, probabilities `[n]` and optional row weights `[n]`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.core.metrics.checks import FloatArray, IntArray, Vector, binary, probabilities
from components.core.metrics.checks import weights as checked_weights
from components.core.metrics.logistic import prepare_intercept, prepare_line
from components.core.metrics.metric import Metric, RowWeights, Sample, Statistic

# Ten bins of equal mass, as the evaluation specification asks.
BINS = 10
# A probability this close to 0 or 1 has lost its logit to rounding (float64 resolves 1 ± 1e-16).
CLIP = 1e-12


@dataclass(frozen=True, eq=False)
class Reliability:
    """Points of a reliability plot, one per non-empty bin, ascending.

    Attributes:
        predicted: `[b]` weighted mean probability.
        observed: `[b]` weighted share of positives.
        mass: `[b]` share of all weight.
        rows: `[b]` number of rows.
    """

    predicted: FloatArray
    observed: FloatArray
    mass: FloatArray
    rows: IntArray


@dataclass(frozen=True)
class Recalibration:
    """Logistic recalibration of the outcome on the predicted logit; NaN where not estimable.

    Attributes:
        slope: 1 is ideal; below 1 the predictions are too extreme, above 1 too timid.
        intercept: 0 is ideal; estimated together with the slope.
        in_the_large: 0 is ideal; intercept with the slope fixed at 1; above 0 the predictions
            are too low on the whole.
    """

    slope: float
    intercept: float
    in_the_large: float


def brier(y: Vector, prob: Vector, weight: Vector | None = None) -> float:
    """Return the weighted mean squared error of the probabilities (Brier 1950).

    In [0, 1], lower is better; prevalence × (1 − prevalence) for a constant prediction.
    """
    return _single(y, prob, weight, "brier")


def ece(y: Vector, prob: Vector, weight: Vector | None = None) -> float:
    """Return the expected calibration error over ten bins of equal mass.

    The mean over bins, by mass, of |observed − predicted|. In [0, 1], lower is better; biased
    upwards in small samples. Rows with the same probability share a bin.
    """
    return _single(y, prob, weight, "ece")


def recalibration(y: Vector, prob: Vector, weight: Vector | None = None) -> Recalibration:
    """Return calibration slope and intercepts (Cox 1958; Van Calster et al. 2016).

    Probabilities of exactly 0 or 1 are taken as 1e-12 away from them.
    """
    sample, row_weights = _checked(y, prob, weight)
    found = recalibration_family(sample, tuple(_LINE)).value(row_weights)
    return Recalibration(
        slope=found["calibration_slope"],
        intercept=found["calibration_intercept"],
        in_the_large=found["calibration_in_the_large"],
    )


def reliability_points(
    y: Vector, prob: Vector, weight: Vector | None = None, *, bins: int = BINS
) -> Reliability:
    """Return predicted and observed risk in `bins` bins of equal mass; empty bins are left out."""
    sample, _ = _checked(y, prob, weight)
    own = np.ones_like(sample.y) if sample.weight is None else sample.weight
    where = equal_mass_bins(sample.score, own, bins=bins)
    mass = np.bincount(where, weights=own, minlength=bins)
    full = mass > 0
    hits = np.bincount(where, weights=own * sample.y, minlength=bins)[full]
    predicted = np.bincount(where, weights=own * sample.score, minlength=bins)[full]
    rows = np.bincount(where[own > 0], minlength=bins)[full]
    return Reliability(predicted / mass[full], hits / mass[full], mass[full] / mass.sum(), rows)


def equal_mass_bins(prob: FloatArray, weight: FloatArray, *, bins: int = BINS) -> IntArray:
    """Return the bin `[n]` of each row: the share of weight in which its ties' middle lies."""
    _, group = np.unique(prob, return_inverse=True)
    mass = np.bincount(group, weights=weight)
    middle = (np.cumsum(mass) - 0.5 * mass) / mass.sum()
    return np.minimum((middle * bins).astype(np.int64), bins - 1)[group]


def logit(prob: FloatArray) -> FloatArray:
    """Return log(p / (1 − p)), probabilities held `CLIP` away from 0 and 1."""
    inside = np.clip(prob, CLIP, 1 - CLIP)
    return np.log(inside) - np.log1p(-inside)


def error_family(sample: Sample, names: tuple[str, ...]) -> Statistic:
    """Prepare `brier` and `ece`.

    Under the bootstrap the bins of the ECE stay those of the sample itself.
    """
    gap = sample.score - sample.y
    columns = [np.ones_like(gap), gap**2]
    if "ece" in names:
        own = np.ones_like(gap) if sample.weight is None else sample.weight
        where = equal_mass_bins(sample.score, own)
        columns += [gap * (where == b) for b in range(BINS)]
    values = np.stack(columns, axis=1)

    def evaluate(row_weights: RowWeights) -> FloatArray:
        sums = row_weights.totals(values)
        with np.errstate(invalid="ignore"):
            figures = {
                "brier": sums[:, 1] / sums[:, 0],
                "ece": np.abs(sums[:, 2:]).sum(axis=1) / sums[:, 0],
            }
        return np.stack([figures[name] for name in names], axis=1)

    return Statistic(names, evaluate)


def recalibration_family(sample: Sample, names: tuple[str, ...]) -> Statistic:
    """Prepare slope and intercepts; each draw is fitted to convergence."""
    x = logit(sample.score)
    line = prepare_line(x, sample.y, sample.weight)
    shift = prepare_intercept(x, sample.y, sample.weight)

    def evaluate(row_weights: RowWeights) -> FloatArray:
        figures: dict[str, FloatArray] = {}
        if set(names) & {"calibration_slope", "calibration_intercept"}:
            found = line(row_weights)
            figures["calibration_intercept"], figures["calibration_slope"] = found.T
        if "calibration_in_the_large" in names:
            figures["calibration_in_the_large"] = shift(row_weights)[:, 0]
        return np.stack([figures[name] for name in names], axis=1)

    return Statistic(names, evaluate)


_ERRORS = {"brier": "Brier score", "ece": "ECE (10 equal-mass bins)"}
_LINE = {
    "calibration_slope": ("Calibration slope", 1.0),
    "calibration_intercept": ("Calibration intercept", 0.0),
    "calibration_in_the_large": ("Calibration in the large", 0.0),
}
METRICS = (
    *(
        Metric(
            name=name,
            title=title,
            direction="lower",
            lo=0.0,
            hi=1.0,
            ideal=0.0,
            needs="probability",
            family=error_family,
        )
        for name, title in _ERRORS.items()
    ),
    *(
        Metric(
            name=name,
            title=title,
            direction="target",
            lo=-np.inf,
            hi=np.inf,
            ideal=ideal,
            needs="probability",
            family=recalibration_family,
        )
        for name, (title, ideal) in _LINE.items()
    ),
)


def _single(y: Vector, prob: Vector, weight: Vector | None, name: str) -> float:
    sample, row_weights = _checked(y, prob, weight)
    return error_family(sample, (name,)).value(row_weights)[name]


def _checked(y: Vector, prob: Vector, weight: Vector | None) -> tuple[Sample, RowWeights]:
    labels = binary(y)
    values = probabilities(prob, rows=labels.size)
    own = checked_weights(weight, rows=labels.size)
    sample = Sample(y=labels, score=values, weight=own)
    return sample, RowWeights.observed(labels.size, own)
