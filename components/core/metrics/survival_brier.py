"""Brier score of predicted risks at horizons under censoring, and its integral over time.

The squared error of the risk at t against the label at t, each row weighted by the inverse
probability of having been followed so far (Graf et al., Stat Med 1999;18:2529). Where death
competes the risk is the cumulative incidence, and who died without the event is a known non-event
(Schoop et al., Biom J 2011;53:88).

The weighted sum is divided by the sum of weights. On the rows that estimate the censoring this is
the number of rows, as in Graf's formula; in a draw of the bootstrap it is what estimating the
censoring anew would give.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray, Vector
from components.core.metrics.checks import weights as checked_weights
from components.core.metrics.followed import Followed, followed
from components.core.metrics.metric import RowWeights, Statistic


def survival_brier(
    time: Vector,
    event: Vector,
    risk: npt.ArrayLike,
    horizons: Sequence[float],
    *,
    weight: Vector | None = None,
) -> FloatArray:
    """Return `[k]` the Brier score at each horizon; in [0, 1], lower is better.

    A constant risk equal to the incidence p scores p(1 − p).

    Args:
        time: `[n]` days.
        event: `[n]` codes 0 censored, 1 event, 2 competing.
        risk: `[n, k]` predicted probability of the event by each horizon (not of surviving).
        horizons: days.
        weight: `[n]` row weights; they do not enter G.

    Raises:
        InputError: arrays that do not fit together, a risk outside [0, 1], or a horizon beyond all
            follow-up.
    """
    sample = followed(time, event)
    own = checked_weights(weight, rows=sample.time.size)
    found = brier_at(sample, risk, horizons)
    return found.evaluate(RowWeights.observed(sample.time.size, own))[0]


def brier_at(sample: Followed, risk: npt.ArrayLike, horizons: Sequence[float]) -> Statistic:
    """Return the scores as statistics `survival_brier@<days>` for the bootstrap.

    Arguments and errors as in `survival_brier`; G stays the same in every draw.
    """
    predicted = _risks(risk, sample.time.size, len(horizons))
    labels = [sample.known_at(horizon) for horizon in horizons]
    weight = np.stack([own for _, own in labels], axis=1)
    error = weight * (predicted - np.stack([y for y, _ in labels], axis=1)) ** 2
    columns = np.hstack([error, weight])

    def evaluate(weights: RowWeights) -> FloatArray:
        sums = weights.totals(columns)
        with np.errstate(invalid="ignore", divide="ignore"):
            return sums[:, : len(horizons)] / sums[:, len(horizons) :]

    return Statistic(tuple(f"survival_brier@{h:g}" for h in horizons), evaluate)


def integrated_brier(sample: Followed, risk: npt.ArrayLike, grid: Sequence[float]) -> Statistic:
    """Return the mean of the Brier score over time, as the statistic `integrated_brier`.

    By the trapezoidal rule over the grid, divided by its length.

    Args:
        sample: follow-up.
        risk: `[n, k]` predicted probability of the event by each time of the grid.
        grid: `[k]` ascending days, two at least.

    Raises:
        InputError: as `survival_brier`, or a grid that does not ascend.
    """
    at = np.asarray(grid, dtype=np.float64)
    if at.size < 2 or (np.diff(at) <= 0).any():
        raise InputError(
            f"the grid of the integrated Brier score has {at.size} times that do not ascend; give "
            "two or more ascending days"
        )
    each = brier_at(sample, risk, grid)
    length = at[-1] - at[0]

    def evaluate(weights: RowWeights) -> FloatArray:
        return (np.trapezoid(each.evaluate(weights), at, axis=1) / length)[:, None]

    return Statistic(("integrated_brier",), evaluate)


def _risks(risk: npt.ArrayLike, rows: int, columns: int) -> FloatArray:
    array = np.asarray(risk, dtype=np.float64)
    if array.shape != (rows, columns):
        raise InputError(
            f"the predicted risks have shape {array.shape} where ({rows}, {columns}) is needed; "
            "give one column per horizon"
        )
    bad = array[~((array >= 0) & (array <= 1))]
    if bad.size:
        raise InputError(
            f"a predicted risk is {bad[0]:g}, outside [0, 1], in {bad.size} cells; hand in "
            "probabilities of the event by each horizon"
        )
    return array
