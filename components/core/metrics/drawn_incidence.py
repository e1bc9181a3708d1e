"""The Aalen-Johansen cumulative incidence as a statistic of the bootstrap.

`incidence` gives one value with an analytic interval; this one is for what is made of several
incidences on the same draws: differences, ratios to the predicted risk.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.core.metrics.checks import FloatArray
from components.core.metrics.followed import Followed
from components.core.metrics.ipcw import CENSORED, EVENT, check_horizon
from components.core.metrics.metric import RowWeights, Statistic

# Rest of a sum of fractional weights in float64 that should be 0.
_NOTHING = 1e-9


def incidence_at(sample: Followed, horizons: Sequence[float]) -> Statistic:
    """Return the incidence at each horizon as statistics `incidence@<days>`.

    Death leaves the risk set for good instead of being censored. NaN where nobody drawn was
    followed so far although some were free of any event.

    Args:
        sample: follow-up; its censoring distribution is not used.
        horizons: days; an event on that day counts.

    Raises:
        InputError: a horizon that is no positive number.
    """
    for horizon in horizons:
        check_horizon(horizon)
    order = np.argsort(sample.time, kind="stable")
    time, code = sample.time[order], sample.code[order]
    steps = np.unique(time[(code != CENSORED) & (time <= max(horizons))])
    first, past = (np.searchsorted(time, steps, side=side) for side in ("left", "right"))
    upto = np.searchsorted(steps, horizons, side="right")
    reached = np.searchsorted(time, horizons, side="left")

    def evaluate(weights: RowWeights) -> FloatArray:
        drawn = weights.take(order).astype(np.float64)
        mass, all_, own = (
            _running(drawn * kind) for kind in (np.ones_like(time), code != CENSORED, code == EVENT)
        )
        at_risk = mass[:, -1:] - mass[:, first]
        free = np.cumprod(1 - _share(all_[:, past] - all_[:, first], at_risk), axis=1)
        free = np.hstack([np.ones((len(drawn), 1)), free])
        gained = free[:, :-1] * _share(own[:, past] - own[:, first], at_risk)
        curve = _running(gained)[:, upto]
        known = (mass[:, -1:] - mass[:, reached] > _NOTHING) | (free[:, upto] <= _NOTHING)
        return np.where(known, curve, np.nan)

    return Statistic(tuple(f"incidence@{h:g}" for h in horizons), evaluate)


def _running(values: FloatArray) -> FloatArray:
    """Return the running sums of `[D, m]` from 0 on, `[D, m + 1]`."""
    return np.hstack([np.zeros((len(values), 1)), np.cumsum(values, axis=1)])


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    found = np.divide(part, whole, out=np.zeros_like(part), where=whole > _NOTHING)
    return np.clip(found, 0.0, 1.0)
