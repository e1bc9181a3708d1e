"""Figures over all stays, over those of high and of low risk, and the difference between the two.

All on the same draws of patients, so that a difference is that of its two parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.metrics.bootstrap import intervals
from components.core.metrics.column_means import column_means, patients_with
from components.core.metrics.interval import Interval, number
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.resampling import Plan, clusters
from components.explain.sequences.risk import thirds

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.object_]
ALL, HIGH, LOW, DIFFERENCE = "all", "high risk", "low risk", "high − low"
GROUPS = (ALL, HIGH, LOW, DIFFERENCE)
HEADER = ("all (95 % interval)", HIGH, LOW, DIFFERENCE, "stays", "patients")


@dataclass(frozen=True, kw_only=True, eq=False)
class Stays:
    """Whom figures are of.

    Attributes:
        patients: `[n]` ids.
        log_odds: `[n]` that the model gave; higher means more at risk.
        plan: how patients are resampled.
    """

    patients: Ids
    log_odds: Floats
    plan: Plan


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A mean over stays.

    Attributes:
        interval: mean and interval; of one patient the bounds are those of a single value.
        stays: that have a value.
        patients: whose they are.
    """

    interval: Interval
    stays: int
    patients: int

    def text(self, digits: int = 3) -> str:
        """Return the figure with its interval, which one patient does not have."""
        if self.patients == 1:
            return number(self.interval.value, digits)
        return self.interval.text(digits)


def figures(values: Floats, of: Stays) -> list[dict[str, Figure]]:
    """Return for every column its mean by group; no groups where stays are too few for thirds.

    Args:
        values: `[n, G]`; NaN where a stay has none.
        of: the `n` stays.
    """
    count = values.shape[1]
    if not count:
        return []
    groups = _groups(values, of.log_odds)
    whole = np.concatenate(list(groups.values()), axis=1)
    stays = np.isfinite(whole).sum(axis=0)
    patients = patients_with(whole, of.patients)
    if len(groups) > 1:
        stays, patients = (_both(own, count) for own in (stays, patients))
    names = [str(k) for k in range(len(stays))]
    statistic = _statistic(whole, count, len(groups) > 1)
    found = intervals(
        statistic, clusters(of.patients, None, weight=None, plan=of.plan), weight=None,
        plan=of.plan, patients=dict(zip(names, patients.tolist(), strict=True)),
    )  # fmt: skip
    words = GROUPS if len(groups) > 1 else (ALL,)
    return [
        {
            word: Figure(
                interval=found[str(g * count + k)],
                stays=int(stays[g * count + k]),
                patients=int(patients[g * count + k]),
            )
            for g, word in enumerate(words)
        }
        for k in range(count)
    ]


def cells(found: Mapping[str, Figure], digits: int = 3) -> tuple[str, ...]:
    """Return the cells of a row below `HEADER`."""
    groups = [found[name].text(digits) if name in found else "–" for name in GROUPS]
    return (*groups, f"{found[ALL].stays:,}", f"{found[ALL].patients:,}")


def frame(labels: Sequence[Mapping[str, str]], found: Sequence[Mapping[str, Figure]]) -> (
    pd.DataFrame
):  # fmt: skip
    """Return a row per figure and group: labels, `group, value, lo, hi, stays, patients`.

    Args:
        labels: of each figure, the same keys in all.
        found: as many, from `figures`.
    """
    rows = [
        {
            **label, "group": group, "value": own.interval.value,
            "lo": own.interval.lo if own.patients > 1 else np.nan,
            "hi": own.interval.hi if own.patients > 1 else np.nan,
            "stays": own.stays, "patients": own.patients,
        }
        for label, each in zip(labels, found, strict=True)
        for group, own in each.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _groups(values: Floats, log_odds: Floats) -> dict[str, Floats]:
    parts = thirds(log_odds)
    if parts is None:
        return {ALL: values}
    high, low = (np.where(own[:, None], values, np.nan) for own in parts)
    return {ALL: values, HIGH: high, LOW: low}


def _both(counts: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.int64]:
    """Return counts of all, high and low, and behind them those of the smaller of the two."""
    high, low = counts[width : 2 * width], counts[2 * width :]
    return np.concatenate([counts, np.minimum(high, low)])


def _statistic(whole: Floats, width: int, grouped: bool) -> Statistic:
    own = column_means(whole, [str(k) for k in range(whole.shape[1])])
    if not grouped:
        return own

    def evaluate(weights: RowWeights) -> Floats:
        found = own.evaluate(weights)
        apart = found[:, width : 2 * width] - found[:, 2 * width :]
        return np.concatenate([found, apart], axis=1)

    return Statistic(tuple(str(k) for k in range(4 * width)), evaluate)
