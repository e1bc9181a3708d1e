"""Serial LVEF after therapy, CTRCD and its time, death, and the end of follow-up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.ingest.synthetic.cohort import Cohort
from components.ingest.synthetic.mechanism import Mechanism

FloatArray = npt.NDArray[np.float64]

HORIZON_DAYS = 365
# Echo every three months in the first year, then half-yearly (ESC 2022, high-risk schedule).
VISIT_DAYS = np.array([91.0, 182.0, 273.0, 354.0, 540.0, 720.0])
VISITS_TO_HORIZON = 4
VISIT_JITTER_DAYS = 9
# Repeatability of a 3-D LVEF, in points (Thavendiranathan 2013 reports about 5-6 as a 95 % range
# between two readings, i.e. an SD of about 2 for one).
ECHO_SD = 1.8
# The fall approaches its full size with this time constant, log-normal over patients.
RAMP_DAYS = 130.0
RAMP_LOG_SD = 0.35
# Share of patients lost per year, and the window of recruitment that leaves a few short of a year.
LOSS_PER_YEAR = 0.035
RECRUITMENT_DAYS = 1460
LAST_CONTACT_DAY = 1770


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcomes:
    """What happened, each field `[patients]`; NaN where a day does not exist.

    Attributes:
        start_day: day of recruitment on which therapy starts.
        lvef: `[patients, visits]` echo LVEF, whole per cent, as it would be measured.
        visit_days: `[patients, visits]`.
        event_day: CTRCD as observed in follow-up.
        death_day: death as observed in follow-up.
        followup_days: last contact, at death at the latest.
        label: 1 CTRCD by day 365, 0 none by then (or dead without it), NaN censored before.
        label_uncensored: the same had nobody been lost: never NaN.
    """

    start_day: FloatArray
    lvef: FloatArray
    visit_days: FloatArray
    event_day: FloatArray
    death_day: FloatArray
    followup_days: FloatArray
    label: FloatArray
    label_uncensored: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Fall:
    """How the LVEF falls after therapy.

    Attributes:
        visit_days: `[patients, visits]` days of the echoes.
        drop: `[patients]` LVEF points lost in the end.
        ramp: `[patients]` time constant in days.
    """

    visit_days: FloatArray
    drop: FloatArray
    ramp: FloatArray

    def lost(self, days: FloatArray) -> FloatArray:
        """Return the points lost by `days` `[patients, times]`."""
        return self.drop[:, None] * (1.0 - np.exp(-days / self.ramp[:, None]))


def lvef_threshold(baseline: FloatArray) -> FloatArray:
    """Return the highest LVEF that is moderate or severe CTRCD for each baseline, per cent.

    Moderate: a new fall of at least 10 points to 40-49 %. Severe: new LVEF below 40 % (IC-OS 2022
    definitions, Herrmann et al.; adopted by the ESC 2022 guideline). Baselines are 40 % or more.
    """
    return np.maximum(39.0, np.minimum(49.0, baseline - 10.0))


def simulate(cohort: Cohort, mechanism: Mechanism, rng: np.random.Generator) -> Outcomes:
    """Draw the course of every patient of `cohort`."""
    visit_days, lvef = _echoes(cohort, mechanism, rng)
    death = rng.exponential(1.0, cohort.size) / cohort.death_hazard
    event = _first(visit_days, lvef <= lvef_threshold(cohort.lvef_baseline)[:, None])
    event = np.where(event < death, event, np.inf)
    start = np.floor(rng.random(cohort.size) * RECRUITMENT_DAYS)
    lost = rng.exponential(365.0 / LOSS_PER_YEAR, cohort.size)
    censoring = np.floor(np.minimum(lost, LAST_CONTACT_DAY - start))
    return _observe(start, (visit_days, lvef), np.ceil(death), event, censoring)


def _echoes(
    cohort: Cohort, mechanism: Mechanism, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    fall = draw_fall(cohort, mechanism, rng)
    true = cohort.lvef_baseline[:, None] - fall.lost(fall.visit_days)
    measured = np.round(true + ECHO_SD * rng.standard_normal(true.shape))
    return fall.visit_days, np.clip(measured, 8.0, 85.0)


def draw_fall(cohort: Cohort, mechanism: Mechanism, rng: np.random.Generator) -> Fall:
    """Draw the fall of every patient: the first draws of `simulate`, from the same stream."""
    shape = (cohort.size, len(VISIT_DAYS))
    jitter = rng.integers(-VISIT_JITTER_DAYS, VISIT_JITTER_DAYS + 1, shape)
    drop = mechanism.tabular_drop(cohort) + mechanism.beta_v * cohort.vulnerability
    return Fall(
        visit_days=VISIT_DAYS + jitter.astype(np.float64),
        drop=drop + mechanism.residual_sd * rng.standard_normal(cohort.size),
        ramp=RAMP_DAYS * np.exp(RAMP_LOG_SD * rng.standard_normal(cohort.size)),
    )


def _first(days: FloatArray, hit: npt.NDArray[np.bool_]) -> FloatArray:
    return np.where(hit, days, np.inf).min(axis=1)


def _observe(
    start: FloatArray,
    echoes: tuple[FloatArray, FloatArray],
    death: FloatArray,
    event: FloatArray,
    censoring: FloatArray,
) -> Outcomes:
    followup = np.minimum(censoring, death)
    seen = np.where(event <= followup, event, np.nan)
    died = np.where(death <= censoring, death, np.nan)
    positive = seen <= HORIZON_DAYS
    undetermined = (followup < HORIZON_DAYS) & ~positive & np.isnan(died)
    return Outcomes(
        start_day=start,
        lvef=echoes[1],
        visit_days=echoes[0],
        event_day=seen,
        death_day=died,
        followup_days=followup,
        label=np.where(undetermined, np.nan, positive.astype(np.float64)),
        label_uncensored=(event <= HORIZON_DAYS).astype(np.float64),
    )
