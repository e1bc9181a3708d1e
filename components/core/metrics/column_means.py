"""Means of columns over those rows that have a value, with patient-clustered intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.core.errors import InputError
from components.core.metrics.bootstrap import intervals
from components.core.metrics.checks import FloatArray
from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.resampling import Plan, clusters


def column_means(values: FloatArray, names: Sequence[str]) -> Statistic:
    """Return the statistic of `[n, G]` columns' means; NaN rows of a column are left out of it.

    Raises:
        InputError: as many names as columns are needed.
    """
    if values.ndim != 2 or values.shape[1] != len(names):
        raise InputError(
            f"the values have shape {values.shape} for {len(names)} names; give one column per name"
        )
    there = np.isfinite(values).astype(np.float64)
    filled = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)

    def evaluate(weights: RowWeights) -> FloatArray:
        count = weights.totals(there)
        found = np.full(count.shape, np.nan)
        np.divide(weights.totals(filled), count, out=found, where=count > 0)
        return found

    return Statistic(tuple(names), evaluate)


def mean_intervals(
    values: FloatArray, names: Sequence[str], groups: npt.ArrayLike, *, plan: Plan
) -> dict[str, Interval]:
    """Return each column's mean with its interval, expanded for the patients who have a value.

    Args:
        values: `[n, G]`; NaN where a row has none.
        names: of the columns.
        groups: `[n]` patients.
        plan: how to resample; all columns are on the same draws.

    Raises:
        InputError: arrays that do not fit together.
    """
    statistic = column_means(values, names)
    within = clusters(groups, None, weight=None, plan=plan)
    patients = dict(zip(names, patients_with(values, within.patient).tolist(), strict=True))
    return intervals(statistic, within, weight=None, plan=plan, patients=patients)


def patients_with(values: FloatArray, groups: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return `[G]` how many different patients have a value in each column of `[n, G]`.

    Raises:
        InputError: one patient per row is needed.
    """
    ids = np.asarray(groups)
    if ids.shape != values.shape[:1]:
        raise InputError(
            f"the patient ids have shape {ids.shape} where {len(values)} rows are needed; "
            "give one id per row"
        )
    return np.array([np.unique(ids[np.isfinite(column)]).size for column in values.T], np.int64)
