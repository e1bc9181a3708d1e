"""Risk of the event by a horizon from covariates: one Cox model per cause.

Who is likely to die is less likely to live to the event, so the risk needs both cause-specific
hazards (Prentice et al., Biometrics 1978;34:541).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.metrics.checks import FloatArray, Vector
from components.core.metrics.ipcw import COMPETING, EVENT, check_times
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.survival.cox import Cohort, Cox, cohort, fit_cox
from components.core.survival.hazard import Baseline, breslow, incidence_by
from components.core.survival.penalty import choose_penalty


@dataclass(frozen=True, eq=False)
class Cause:
    """The hazard of one cause; without a model it is the same for everyone."""

    cox: Cox | None
    baseline: Baseline

    def at(self, x: FloatArray) -> tuple[Baseline, FloatArray]:
        """Return the baseline and the log hazard ratios `[n]` of rows `[n, p]`."""
        score = np.zeros(x.shape[0]) if self.cox is None else self.cox.risk(x)
        return self.baseline, score


@dataclass(frozen=True, eq=False)
class IncidenceModel:
    """Cause-specific hazards of the event and, where there is one, of the competing event."""

    event: Cox
    baseline: Baseline
    competing: Cause | None

    def score(self, x: FloatArray) -> FloatArray:
        """Return the event's log hazard ratio `[n]`; higher means an earlier event."""
        return self.event.risk(x)

    def risk_by(self, x: FloatArray, horizons: FloatArray) -> FloatArray:
        """Return `[n, k]` the probability of the event by each horizon.

        Raises:
            InputError: a horizon beyond the follow-up that the model was fitted on.
        """
        rival = None if self.competing is None else self.competing.at(x)
        return incidence_by((self.baseline, self.score(x)), horizons, competing=rival)


def fit_incidence(
    x: npt.ArrayLike,
    time: Vector,
    code: Vector,
    groups: npt.NDArray[np.generic],
    *,
    weight: Vector | None = None,
    penalty: float | None = None,
) -> IncidenceModel:
    """Return the model of rows followed for `time` days.

    Args:
        x: `[n, p]` covariates, standardised where a penalty is to weigh them alike.
        time: `[n]` days.
        code: `[n]` 0 censored, 1 event, 2 competing.
        groups: `[n]` patient ids.
        weight: `[n]` row weights.
        penalty: of every fit; chosen by cross-validation inside these rows unless given.

    The competing hazard is the same for everyone below 20 patients with a competing event.

    Raises:
        InputError: bad arrays, too few events, or a fit that does not converge.
    """
    days, codes = check_times(time, code)
    data = cohort(x, days, codes == EVENT, weight)
    event = _fit(data, groups, penalty)
    baseline = breslow(event.risk(data.x), days, data.event, data.weight)
    dead = codes == COMPETING
    if not dead.any():
        return IncidenceModel(event, baseline, None)
    rival = Cohort(data.x, days, dead, data.weight)
    own = None
    if np.unique(groups[dead]).size >= RARE_PATIENTS:
        own = _fit(rival, groups, penalty)
    score = np.zeros_like(days) if own is None else own.risk(data.x)
    return IncidenceModel(event, baseline, Cause(own, breslow(score, days, dead, data.weight)))


def _fit(data: Cohort, groups: npt.NDArray[np.generic], penalty: float | None) -> Cox:
    return fit_cox(data, penalty=choose_penalty(data, groups) if penalty is None else penalty)
