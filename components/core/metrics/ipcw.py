"""Inverse probability of censoring weights for a binary label at a horizon.

Times are in days from the index date. Event codes: 0 censored, 1 the event, 2 a competing event
(death).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray, Vector, finite

CENSORED, EVENT, COMPETING = 0, 1, 2


@dataclass(frozen=True, eq=False)
class CensoringCurve:
    """Kaplan–Meier estimate of staying uncensored.

    Attributes:
        time: `[m]` ascending times at which someone was censored.
        survival: `[m]` probability of being uncensored just after each time.
    """

    time: FloatArray
    survival: FloatArray

    def before(self, at: FloatArray) -> FloatArray:
        """Return G(t−) = P(censoring time ≥ t) for each time `at`; the left limit of the curve."""
        steps = np.concatenate([[1.0], self.survival])
        return steps[np.searchsorted(self.time, at, side="left")]


def censoring_curve(time: Vector, event: Vector) -> CensoringCurve:
    """Return the Kaplan–Meier curve of the censoring time.

    Whoever has an event (of either kind) at a time at which others are censored is taken to have
    had it first, and so is not at risk of that censoring.

    Args:
        time: `[n]` follow-up, not negative.
        event: `[n]` codes 0, 1, 2.

    Raises:
        InputError: bad times or codes.
    """
    days, codes = check_times(time, event)
    times = np.unique(days[codes == CENSORED])
    ordered = np.sort(days)
    at_risk = days.size - np.searchsorted(ordered, times, side="left")
    happened = np.sort(days[codes != CENSORED])
    first = np.searchsorted(happened, times, "right") - np.searchsorted(happened, times, "left")
    dropped = np.sort(days[codes == CENSORED])
    lost = np.searchsorted(dropped, times, "right") - np.searchsorted(dropped, times, "left")
    survival = np.cumprod(1 - lost / (at_risk - first), dtype=np.float64)
    return CensoringCurve(times, survival)


def label_at_horizon(time: Vector, event: Vector, horizon: float) -> FloatArray:
    """Return `[n]`: 1 for the event by `horizon`, 0 for none, NaN for censored before it."""
    days, codes = check_times(time, event)
    check_horizon(horizon)
    label = np.where((codes == EVENT) & (days <= horizon), 1.0, 0.0)
    return np.where(_known(days, codes, horizon), label, np.nan)


def ipcw_weights(
    time: Vector, event: Vector, horizon: float, *, fit_time: Vector, fit_event: Vector
) -> FloatArray:
    """Return the weight `[n]` of each subject's binary label at `horizon`.

    A label is known when the subject was not censored before min(time, horizon), which has
    probability G(min(time, horizon)−); the weight is its inverse, and 0 for an unknown label
    (Robins and Rotnitzky 1992; Graf et al. 1999). A competing event makes the subject a known
    non-event from that time on. Follow-up of exactly `horizon` without event counts as known.

    Args:
        time: `[n]` follow-up in days.
        event: `[n]` codes 0 censored, 1 event, 2 competing.
        horizon: days.
        fit_time: follow-up of the subjects on whom censoring is estimated (train split, or these).
        fit_event: their codes.

    Raises:
        InputError: bad arrays, or a time at which nobody of the fitted subjects was still followed.
    """
    days, codes = check_times(time, event)
    check_horizon(horizon)
    curve = censoring_curve(fit_time, fit_event)
    known = _known(days, codes, horizon)
    until = np.minimum(days, horizon)
    uncensored = curve.before(until)
    lost = known & (uncensored <= 0)
    if lost.any():
        raise InputError(
            f"nobody was followed beyond {curve.time[-1]:g} days in the data that estimate "
            f"censoring, so {int(lost.sum())} labels at {until[lost].max():g} days have no "
            "weight; lower the horizon"
        )
    return np.where(known, 1 / np.where(known, uncensored, 1.0), 0.0)


def _known(days: FloatArray, codes: npt.NDArray[np.int64], horizon: float) -> npt.NDArray[np.bool_]:
    return (codes != CENSORED) | (days >= horizon)


def check_horizon(horizon: float) -> None:
    """Raise InputError unless the horizon is a positive number of days."""
    if not (np.isfinite(horizon) and horizon > 0):
        raise InputError(f"the horizon is {horizon} days; give a positive number")


def check_times(time: Vector, event: Vector) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Return times and codes as arrays `[n]`; InputError for an impossible one, or none at all."""
    days = finite(time, "the follow-up time")
    codes = finite(event, "the event code", rows=days.size)
    if days.size == 0:
        raise InputError("there are no follow-up times; hand in at least one subject")
    if days.min() < 0:
        raise InputError(f"a follow-up time is {days.min():g} days; times start at the index date")
    wrong = codes[~np.isin(codes, (CENSORED, EVENT, COMPETING))]
    if wrong.size:
        raise InputError(
            f"an event code is {wrong[0]:g}; known are 0 censored, 1 event, 2 competing"
        )
    return days, codes.astype(np.int64)
