"""Cumulative incidence under censoring, with death as a competing event.

Times in days from the index date; codes as in `ipcw`: 0 censored, 1 the event, 2 competing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray, Vector
from components.core.metrics.interval import Interval
from components.core.metrics.ipcw import CENSORED, EVENT, check_horizon, check_times

_Z = float(norm.ppf(0.975))


@dataclass(frozen=True, eq=False)
class _Table:
    """Life table up to the horizon, one row per time `[m]` at which something happened."""

    at_risk: FloatArray
    events: FloatArray
    competing: FloatArray

    @property
    def all(self) -> FloatArray:
        return self.events + self.competing

    def survival_before(self) -> FloatArray:
        """Return the probability `[m]` of having had neither just before each time."""
        after = np.cumprod(1 - self.all / self.at_risk)
        return np.concatenate([[1.0], after[:-1]])


def cumulative_incidence(time: Vector, event: Vector, horizon: float) -> Interval:
    """Return the Aalen-Johansen cumulative incidence of the event at `horizon`, with its interval.

    Death leaves the risk set for good instead of being censored. The variance is that of Marubini
    and Valsecchi (Analysing Survival Data from Clinical Trials and Observational Studies, 1995),
    the delta method of Dinse and Larson (Biometrika 1986), which is Greenwood's where nobody dies;
    the interval is made on the log(-log) scale (Choudhury, Stat Med 2002).

    Args:
        time: `[n]` follow-up in days.
        event: `[n]` codes 0, 1, 2.
        horizon: days; an event on that day counts.

    Raises:
        InputError: bad arrays, or nobody was followed to the horizon and the curve is not known
            there.
    """
    table = _table(time, event, horizon)
    return _interval(*_aalen_johansen(table), "Aalen-Johansen, log(-log) interval")


def one_minus_kaplan_meier(time: Vector, event: Vector, horizon: float) -> Interval:
    """Return 1 - Kaplan-Meier at `horizon` with deaths as censored; Greenwood's variance.

    It answers for a world without death and is too high as a probability; it is given to be
    compared. Arguments and errors as in `cumulative_incidence`.
    """
    table = _table(time, event, horizon)
    alone = _Table(table.at_risk, table.events, np.zeros_like(table.events))
    value, variance = _aalen_johansen(alone)
    free = _interval(1 - value, variance, "1 - Kaplan-Meier, log(-log) interval of survival")
    return replace(free, value=value, lo=1 - free.hi, hi=1 - free.lo)


def _table(time: Vector, event: Vector, horizon: float) -> _Table:
    days, codes = check_times(time, event)
    check_horizon(horizon)
    last = float(days.max())
    if last < horizon and (codes[days == last] == CENSORED).any():
        raise InputError(
            f"the last of {days.size} patients was followed to day {last:g}, so the incidence at "
            f"{horizon:g} days is not known; lower the horizon"
        )
    times = np.unique(days[(codes != CENSORED) & (days <= horizon)])
    at_risk = days.size - np.searchsorted(np.sort(days), times, side="left")
    events = np.array([np.sum((days == t) & (codes == EVENT)) for t in times], dtype=np.float64)
    every = np.array([np.sum((days == t) & (codes != CENSORED)) for t in times], dtype=np.float64)
    return _Table(at_risk.astype(np.float64), events, every - events)


def _aalen_johansen(table: _Table) -> tuple[float, float]:
    """Return the incidence after the last row and its variance."""
    n, d, k, before = table.at_risk, table.all, table.events, table.survival_before()
    curve = np.cumsum(before * k / n)
    if curve.size == 0:
        return 0.0, 0.0
    rest = curve[-1] - curve
    left = n - d
    # Where nobody is left at risk the curve has ended and `rest` is 0.
    first = np.sum(rest**2 * np.divide(d, n * left, out=np.zeros_like(d), where=left > 0))
    second = np.sum(before**2 * k * (n - k) / n**3)
    third = np.sum(rest * before * k / n**2)
    return float(curve[-1]), float(first + second - 2 * third)


def _interval(value: float, variance: float, method: str) -> Interval:
    """Return value and 95 % interval; its bounds are undefined at 0 and 1, as the scale is."""
    bounds = [float("nan"), float("nan")]
    if 0 < value < 1:
        half = _Z * np.sqrt(variance) / (value * abs(np.log(value)))
        bounds = [float(value ** np.exp(sign * half)) for sign in (1, -1)]
    return Interval(value, bounds[0], bounds[1], n_draws=0, undefined=0, method=method)
