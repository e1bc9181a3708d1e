"""Means and ratios of sums over records, with intervals by the project's bootstrap."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from components.core.metrics.bootstrap import intervals
from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.resampling import Plan, clusters

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.object_]


def bootstrapped(statistic: Statistic, patients: Ids, plan: Plan) -> dict[str, Interval]:
    """Return a statistic of records with its intervals, patients drawn whole."""
    within = clusters(patients, None, weight=None, plan=plan)
    return intervals(statistic, within, weight=None, plan=plan)


def ratios(
    parts: Mapping[str, tuple[Floats, Floats]], patients: Ids, plan: Plan
) -> dict[str, Interval]:
    """Return name → sum of the first over sum of the second, all on the same draws.

    A ratio of sums, since a single record's denominator may be next to 0.

    Args:
        parts: name → numerator and denominator, each `[n]`; a record with NaN in either is left
            out of that figure.
        patients: `[n]` ids.
        plan: how to resample.
    """
    columns = [_known(*pair) for pair in parts.values()]
    values = np.concatenate(columns, axis=1)

    def evaluate(weights: RowWeights) -> Floats:
        totals = weights.totals(values)
        return quotient(totals[:, 0::2], totals[:, 1::2])

    return bootstrapped(Statistic(tuple(parts), evaluate), patients, plan)


def means(columns: Mapping[str, Floats], patients: Ids, plan: Plan) -> dict[str, Interval]:
    """Return name → mean over records `[n]`, NaN ones left out."""
    ones = {name: (values, np.ones(len(values))) for name, values in columns.items()}
    return ratios(ones, patients, plan)


def quotient(above: Floats, below: Floats) -> Floats:
    """Return `above / below`, NaN where nothing is below."""
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)


def _known(above: Floats, below: Floats) -> Floats:
    pair = np.stack([above, below], axis=1).astype(np.float64)
    pair[np.isnan(pair).any(axis=1)] = 0.0
    return pair
