"""Heart-failure events and competing death after the ECG, and the risk category made from them.

Cause-specific hazards are constant in time and log-linear in the burden and the tabular columns,
so a second ECG a few days later faces the same risk as the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.ingest.synthetic.cohort import Cohort, FloatArray
from components.ingest.synthetic.mechanism import tabular_units
from components.ingest.synthetic.surveillance.state import burden_of
from components.ingest.synthetic.trajectory import LAST_CONTACT_DAY, LOSS_PER_YEAR

# The horizons of the survival head, days.
HORIZONS = (30, 91, 182, 365)
CATEGORIES = ("low", "moderate", "high")
# Heart-failure events: yearly hazard at burden 0 and log hazard ratios, per unit of the burden and
# of the tabular columns (age per decade). Plausible in sign and order, sized by simulation.
EVENT_YEARLY = 0.024
EVENT_BURDEN = 2.5
EVENT_LOG_RATIO = {"age": 0.10, "prior_hf": 0.30, "hypertension": 0.15, "diabetes": 0.20}
# Death before a heart-failure event: log hazard ratio per unit of the burden, on the hazard by
# cancer and age that holds before the ECG too.
DEATH_BURDEN = 0.25
# Categories by the true 12-month incidence; set so that their shares are about 55, 30 and 15 %.
THRESHOLDS = (0.040, 0.30)
# Share of patients whom the annotator puts into a neighbouring category.
ANNOTATOR_ERROR = 0.10
# The files are exported a year after those of the therapy part.
_LAST_CONTACT_DAY = LAST_CONTACT_DAY + 365


@dataclass(frozen=True, kw_only=True, eq=False)
class Future:
    """What happens after the ECG, days from it, each field `[patients]`; inf = never.

    Attributes:
        event: heart-failure event, had nobody been lost.
        death: death, which hides a later event.
        censoring: last contact of those who live.
        category: true risk category, 0 to 2.
        annotated: the category that the annotator wrote, 0 to 2.
    """

    event: FloatArray
    death: FloatArray
    censoring: FloatArray
    category: npt.NDArray[np.int64]
    annotated: npt.NDArray[np.int64]


def hazards(cohort: Cohort, lvef: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the daily hazards of event and death at `lvef` `[patients]` or `[patients, grid]`."""
    units = tabular_units(cohort)
    tabular = np.asarray(sum(ratio * units[name] for name, ratio in EVENT_LOG_RATIO.items()))
    base = cohort.death_hazard
    if lvef.ndim > 1:
        tabular, base = tabular[:, None], base[:, None]
    burden = burden_of(lvef)
    event = EVENT_YEARLY / 365.0 * np.exp(tabular + EVENT_BURDEN * burden)
    return event, base * np.exp(DEATH_BURDEN * burden)


def incidence(rates: tuple[FloatArray, FloatArray], days: float) -> FloatArray:
    """Return the cumulative incidence of the event by `days`, death competing.

    For constant hazards a and b: a / (a + b) * (1 - exp(-(a + b) * days)).
    """
    event, death = rates
    both = event + death
    return event / both * -np.expm1(-both * days)


def draw_future(
    cohort: Cohort, lvef: FloatArray, end: FloatArray, rng: np.random.Generator
) -> Future:
    """Draw what happens to every patient of `cohort`.

    Args:
        cohort: the latents.
        lvef: true LVEF at the ECG, `[patients]`.
        end: days from the ECG to the end of the study, `[patients]`.
        rng: stream of the block.
    """
    rates = hazards(cohort, lvef)
    event, death = (np.ceil(rng.exponential(1.0, cohort.size) / rate) for rate in rates)
    lost = rng.exponential(365.0 / LOSS_PER_YEAR, cohort.size)
    category = np.searchsorted(THRESHOLDS, incidence(rates, 365.0)).astype(np.int64)
    return Future(
        event=np.where(event <= death, event, np.inf),
        death=death,
        censoring=np.floor(np.minimum(lost, end)),
        category=category,
        annotated=_annotate(category, rng),
    )


def study_end(start_day: FloatArray, day: FloatArray) -> FloatArray:
    """Return the days from the ECG to the export of the files."""
    return _LAST_CONTACT_DAY - start_day - day


def _annotate(category: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    wrong = rng.random(len(category)) < ANNOTATOR_ERROR
    up = rng.random(len(category)) < 0.5
    neighbour = np.where(category == 1, np.where(up, 2, 0), 1)
    return np.where(wrong, neighbour, category)
