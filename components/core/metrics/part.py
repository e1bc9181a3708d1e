"""Figures of a part of the patients, on the same draws as those of all of them.

A subgroup's figure and the rest's then come from one draw of patients, so that their difference is
paired by draw; how many of the part are drawn varies, as it does between samples.
"""

from __future__ import annotations

import numpy as np

from components.core.metrics.checks import FloatArray, IntArray
from components.core.metrics.metric import RowWeights, Statistic


def restricted(statistic: Statistic, rows: IntArray) -> Statistic:
    """Return `statistic`, which knows `rows` alone, as one over all rows.

    Args:
        statistic: figures over `rows.size` rows.
        rows: their places among all rows.
    """
    return Statistic(statistic.names, lambda weights: statistic.evaluate(weights.subset(rows)))


def renamed(statistic: Statistic, names: tuple[str, ...]) -> Statistic:
    """Return `statistic` with its figures called `names`, in order."""
    return Statistic(names, statistic.evaluate)


def observed_expected(y: FloatArray, prob: FloatArray) -> Statistic:
    """Return prevalence and observed over expected events.

    Observed over expected: weighted events over the weighted sum of probabilities (Steyerberg et
    al. 2010, Epidemiology 21:128). 1 is ideal; above 1 the predicted risk is too low on the whole.

    Args:
        y: `[n]` labels 0 or 1.
        prob: `[n]` probabilities in (0, 1].
    """
    values = np.stack([y, prob, np.ones_like(y)], axis=1)

    def evaluate(weights: RowWeights) -> FloatArray:
        seen, expected, mass = weights.totals(values).T
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.stack([seen / mass, np.where(mass > 0, seen / expected, np.nan)], axis=1)

    return Statistic(("prevalence", "observed_expected"), evaluate)
