"""Baseline hazards after a Cox fit, and the risk of the event by a horizon, death competing.

Breslow's estimate of the cumulative baseline hazard (discussion of Cox, JRSS-B 1972;34:216), one
for each cause. The cumulative incidence sums, over the event times, the hazard of the event times
the chance of having been free of either cause so far (Kalbfleisch and Prentice, The Statistical
Analysis of Failure Time Data, 2002, section 8.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray

# Rows worked on at once: 1,000 rows at 5,000 event times are 40 MB.
_CHUNK = 1000


@dataclass(frozen=True, eq=False)
class Baseline:
    """Increments of a cumulative baseline hazard.

    Attributes:
        time: `[m]` ascending days.
        step: `[m]` increments for a row of log hazard ratio 0.
        until: days to which someone was followed; nothing is known later.
    """

    time: FloatArray
    step: FloatArray
    until: float


def breslow(
    risk: FloatArray, time: FloatArray, event: npt.NDArray[np.bool_], weight: FloatArray
) -> Baseline:
    """Return the baseline hazard of rows with log hazard ratio `risk` `[n]`.

    Args:
        risk: `[n]` zeros give the Nelson–Aalen estimate.
        time: `[n]` days.
        event: `[n]` whether the event of this cause was seen.
        weight: `[n]` row weights.
    """
    moments, tie = np.unique(time[event], return_inverse=True)
    happened = np.bincount(tie, weights=weight[event], minlength=moments.size)
    order = np.argsort(time, kind="stable")
    relative = (weight * np.exp(risk))[order]
    ahead = np.concatenate([np.cumsum(relative[::-1])[::-1], [0.0]])
    at_risk = ahead[np.searchsorted(time[order], moments, side="left")]
    return Baseline(moments, happened / at_risk, float(time.max()))


def incidence_by(
    event: tuple[Baseline, FloatArray],
    horizons: FloatArray,
    *,
    competing: tuple[Baseline, FloatArray] | None = None,
) -> FloatArray:
    """Return `[n, k]` the probability of the event by each horizon, in [0, 1].

    Args:
        event: baseline and log hazard ratios `[n]` of the event.
        horizons: `[k]` days.
        competing: the same of the competing event; None where nothing competes.

    Raises:
        InputError: a horizon beyond the follow-up that the baseline comes from.
    """
    base, risk = event
    if horizons.max() > base.until:
        raise InputError(
            f"the risk by day {horizons.max():g} cannot be told from follow-up to day "
            f"{base.until:g}; lower the horizon"
        )
    parts = [event] if competing is None else [event, competing]
    moments = np.unique(np.concatenate([each.time for each, _ in parts]))
    steps = [np.zeros(moments.size) for _ in parts]
    for own, (each, _) in zip(steps, parts, strict=True):
        own[np.searchsorted(moments, each.time)] = each.step
    last = np.searchsorted(moments, horizons, side="right")
    found = np.empty((risk.size, horizons.size))
    for first in range(0, risk.size, _CHUNK):
        rows = slice(first, first + _CHUNK)
        hazards = [
            np.exp(score[rows])[:, None] * own for own, (_, score) in zip(steps, parts, strict=True)
        ]
        found[rows] = _incidence(hazards)[:, last]
    return found


def _incidence(hazards: list[FloatArray]) -> FloatArray:
    """Return `[n, m + 1]` the incidence after each moment, 0 before the first.

    Within a moment the chance of staying free falls by exp(−hazard), and the events take their
    share of what is lost, so that no risk can exceed 1.
    """
    total = np.sum(hazards, axis=0)
    before = np.exp(-(np.cumsum(total, axis=1) - total))
    share = np.divide(hazards[0], total, out=np.zeros_like(total), where=total > 0)
    curve = np.cumsum(before * -np.expm1(-total) * share, axis=1)
    return np.hstack([np.zeros((total.shape[0], 1)), curve])
