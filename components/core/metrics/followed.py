"""Follow-up of the rows on which a time-to-event figure rests, and the weights they carry.

Legend: `n` rows (patients), `D` draws of the bootstrap, `k` horizons. Times in days from the index
date; event codes 0 censored, 1 the event, 2 a competing event (death), as in `ipcw`.

The censoring distribution G is estimated once, on all rows handed in, and held fixed over the draws
of the bootstrap: rows of one fold can then share the G of the whole cohort, which twenty patients
could not estimate. It costs nothing in width: weights by an estimated G vary less than by the true
one (Robins and Rotnitzky 1992), and in simulated cohorts intervals with G fixed were as wide as
with G estimated anew in every draw, and no narrower than the truth (docs/LOG.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray, IntArray, Vector
from components.core.metrics.ipcw import (
    CENSORED,
    COMPETING,
    EVENT,
    CensoringCurve,
    censoring_curve,
    check_horizon,
    check_times,
)
from components.core.metrics.metric import RowWeights


@dataclass(frozen=True, eq=False)
class Followed:
    """Checked follow-up of `n` rows and the censoring distribution that weights them.

    Attributes:
        time: `[n]` days to event, competing event or last contact.
        code: `[n]` 0, 1 or 2.
        censoring: probability of being uncensored.
    """

    time: FloatArray
    code: IntArray
    censoring: CensoringCurve

    @property
    def event(self) -> npt.NDArray[np.bool_]:
        """Return `[n]` whether the event was seen."""
        return self.code == EVENT

    @property
    def competing(self) -> npt.NDArray[np.bool_]:
        """Return `[n]` whether a competing event was seen."""
        return self.code == COMPETING

    def part(self, rows: IntArray) -> Followed:
        """Return some rows under the same censoring distribution."""
        return Followed(self.time[rows], self.code[rows], self.censoring)

    def uncensored(self, at: FloatArray) -> FloatArray:
        """Return G(t−) at each of `at`.

        Raises:
            InputError: nobody of those who estimate censoring was followed so long.
        """
        found = self.censoring.before(at)
        if at.size and found.min() <= 0:
            raise InputError(
                f"nobody was followed beyond {self.censoring.time[-1]:g} days in the data that "
                f"estimate censoring, so day {float(at[found <= 0].max()):g} has no weight; "
                "lower the horizon"
            )
        return found

    def known_at(self, horizon: float) -> tuple[FloatArray, FloatArray]:
        """Return label `[n]` at the horizon (0 where it is not known) and its weight `[n]`.

        The weight is 1/G(min(time, horizon)−), and 0 for a row censored before the horizon (Graf
        et al. 1999); who had a competing event is a known non-event.

        Raises:
            InputError: as `uncensored`.
        """
        check_horizon(horizon)
        known = (self.code != CENSORED) | (self.time >= horizon)
        label = (self.event & (self.time <= horizon)).astype(np.float64)
        weight = np.zeros_like(self.time)
        weight[known] = 1 / self.uncensored(np.minimum(self.time[known], horizon))
        return label, weight


def followed(time: Vector, event: Vector, *, censoring: CensoringCurve | None = None) -> Followed:
    """Return checked follow-up.

    Args:
        time: `[n]` days, not negative.
        event: `[n]` codes 0, 1, 2.
        censoring: estimated elsewhere; from these rows unless given.

    Raises:
        InputError: bad times or codes.
    """
    days, codes = check_times(time, event)
    return Followed(days, codes, censoring or censoring_curve(days, codes))


def times_weight(weights: RowWeights, factor: FloatArray) -> RowWeights:
    """Return the same draws with each row's own weight multiplied by `factor` `[n]`."""
    own = factor if weights.weight is None else weights.weight * factor
    return RowWeights(weights.counts, weights.patient, own)
