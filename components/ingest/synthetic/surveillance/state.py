"""Who comes back for an ECG about one year after therapy, and with which LVEF.

The true LVEF at the ECG is that of the therapy part's trajectory less a late component:
`L = baseline - drop * (1 - exp(-day / ramp)) - late`,
`late = REGRESSION * (baseline - CENTRE) + N(LATE_MEAN, LATE_SD^2)`. A single echo before therapy is
partly a chance reading, which a later one does not repeat (regression to the mean); the rest is
what a year brings besides cardiotoxicity. Without it the baseline alone would separate a low LVEF
with an AUROC above 0.80. `burden = (BURDEN_CENTRE - L) / BURDEN_SCALE` is what the ECG, the notes
and the hazards follow; one unit is about one standard deviation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.ingest.synthetic.cohort import Cohort, FloatArray
from components.ingest.synthetic.mechanism import Mechanism
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.trajectory import (
    LAST_CONTACT_DAY,
    RAMP_DAYS,
    RAMP_LOG_SD,
    Outcomes,
    draw_fall,
)

# Days from the start of therapy in which the yearly ECG is taken.
ECG_DAYS = (300.0, 420.0)
# Set by simulation to the rates and AUROCs of `docs/synthetic.md`; LVEF points.
CENTRE, REGRESSION, LATE_MEAN, LATE_SD = 62.0, 0.40, 0.3, 3.0
BURDEN_CENTRE, BURDEN_SCALE = 59.0, 8.5
# Nodes over the ramp and the day at which the prior of L has converged to 1e-4.
_RAMP_NODES, _DAY_NODES = 8, 3


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """The patients of a block at the ECG, each field `[patients]`.

    Attributes:
        returns: alive and not lost at the ECG; of the others nothing is written.
        day: days from the start of therapy to the ECG.
        lvef: true LVEF at the ECG, per cent.
        late: points of the late component.
        decline: points that the trajectory loses per day at the ECG.
    """

    returns: npt.NDArray[np.bool_]
    day: FloatArray
    lvef: FloatArray
    late: FloatArray
    decline: FloatArray

    @property
    def burden(self) -> FloatArray:
        """Return the standardised lack of LVEF, larger is worse."""
        return burden_of(self.lvef)


def burden_of(lvef: FloatArray) -> FloatArray:
    """Return the burden of each LVEF in per cent."""
    return (BURDEN_CENTRE - lvef) / BURDEN_SCALE


def draw_state(
    cohort: Cohort, outcomes: Outcomes, mechanism: Mechanism, *, seed: int, block: int
) -> State:
    """Draw the state at the ECG of every patient of a block.

    The fall is that of `outcomes`: drawn again from the block's stream `course`.
    """
    fall = draw_fall(cohort, mechanism, stream(seed, "course", block))
    rng = stream(seed, "surveillance state", block)
    low, high = ECG_DAYS
    day = np.floor(rng.uniform(low, high + 1.0, cohort.size)) + rng.uniform(0.3, 0.7, cohort.size)
    late = REGRESSION * (cohort.lvef_baseline - CENTRE)
    late = late + LATE_MEAN + LATE_SD * rng.standard_normal(cohort.size)
    return State(
        returns=_returns(outcomes, day),
        day=day,
        lvef=cohort.lvef_baseline - fall.lost(day[:, None])[:, 0] - late,
        late=late,
        decline=fall.drop * np.exp(-day / fall.ramp) / fall.ramp,
    )


def _returns(outcomes: Outcomes, day: FloatArray) -> npt.NDArray[np.bool_]:
    """Return who is alive and not lost; the end of the therapy part's recruitment loses nobody."""
    died = outcomes.death_day <= day
    ended = outcomes.followup_days >= LAST_CONTACT_DAY - outcomes.start_day
    lost = (outcomes.followup_days < day) & np.isnan(outcomes.death_day) & ~ended
    return ~died & ~lost


def prior(cohort: Cohort, mechanism: Mechanism, grid: FloatArray) -> FloatArray:
    """Return the density of the true LVEF given the tabular columns, `[patients, grid]`.

    Given ramp and day the LVEF is Gaussian; the mixture over both is done by quadrature.
    """
    mean_fall = mechanism.tabular_drop(cohort)
    stays = cohort.lvef_baseline * (1.0 - REGRESSION) + REGRESSION * CENTRE - LATE_MEAN
    variance = mechanism.beta_v**2 + mechanism.residual_sd**2
    density = np.zeros((cohort.size, len(grid)))
    for share, weight in zip(*_shares(), strict=True):
        sd = float(np.sqrt(variance * share**2 + LATE_SD**2))
        distance = (grid - (stays - mean_fall * share)[:, None]) / sd
        density += weight / (sd * np.sqrt(2 * np.pi)) * np.exp(-0.5 * distance**2)
    return density


def _shares() -> tuple[FloatArray, FloatArray]:
    """Return nodes and weights of the share of the fall that is reached at the ECG."""
    ramp_nodes, ramp_weights = np.polynomial.hermite_e.hermegauss(_RAMP_NODES)
    day_nodes, day_weights = np.polynomial.legendre.leggauss(_DAY_NODES)
    low, high = ECG_DAYS
    day = (low + high + 1.0) / 2 + (high + 1.0 - low) / 2 * day_nodes[:, None]
    share = 1.0 - np.exp(-day / (RAMP_DAYS * np.exp(RAMP_LOG_SD * ramp_nodes)))
    weight = day_weights[:, None] / 2 * ramp_weights / np.sqrt(2 * np.pi)
    return share.ravel(), weight.ravel()


def presence(cohort: Cohort) -> FloatArray:
    """Return each patient's chance of being alive at the ECG, `[patients]`.

    Death before the ECG and loss to follow-up do not depend on the LVEF, so given the tabular
    columns those who return have the same LVEF as all; but they are not the same mixture of
    cancers.
    """
    low, high = ECG_DAYS
    hazard = cohort.death_hazard
    return (np.exp(-low * hazard) - np.exp(-high * hazard)) / (hazard * (high - low))
