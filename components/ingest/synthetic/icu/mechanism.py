"""What makes a patient die in hospital: planted events in their windows, age and admission type.

A stay has a hidden severity path: `early` until 18 hours before the prediction, `late` from 12
hours before it, a straight line between, both standard normal. Severity makes every event likelier
or rarer, planted ones among them; the log-odds of death are a constant plus those of the planted
events that happened within their window, plus those of age and admission type. The same event
earlier adds nothing. Sizes were set by simulation to the figures of `docs/mortality_synth.md`; they
are no estimates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from components.ingest.synthetic.cohort import BoolArray, FloatArray

# From ICU admission to the prediction, as the source `mimic_iv` has it unless told.
HOURS = 24.0
PATH_TURNS = (18.0, 12.0)
PATH_CORRELATION = 0.3
# Logit by which a planted event is likelier before its window than within.
EARLIER = 0.4
INTERCEPT = -4.1
LOG_ODDS_A_YEAR, AGE_CENTRE = 0.032, 65.0
# Admission type → its share and log-odds.
ADMISSION_TYPES: dict[str, tuple[float, float]] = {
    "EW EMER.": (0.40, 0.0),
    "OBSERVATION ADMIT": (0.16, 0.0),
    "URGENT": (0.14, 0.5),
    "SURGICAL SAME DAY ADMISSION": (0.10, -0.9),
    "ELECTIVE": (0.08, -0.6),
    "DIRECT EMER.": (0.06, 0.3),
    "EU OBSERVATION": (0.04, 0.0),
    "DIRECT OBSERVATION": (0.02, 0.0),
}


@dataclass(frozen=True, kw_only=True)
class Planted:
    """An event that moves the risk where it lies within its window before the prediction.

    Attributes:
        name: as people call it.
        kind: one of `EVENT_KINDS`.
        phrase: that the text of each such event contains, and no other event's.
        window_hours: before the prediction.
        log_odds: of death, once, however often it is repeated within the window.
        base: logit that it happens there in a stay of mean severity.
        slope: of that logit per unit of severity.
    """

    name: str
    kind: str
    phrase: str
    window_hours: float
    log_odds: float
    base: float
    slope: float


def _planted(name: str, kind: str, phrase: str, *sizes: float) -> Planted:
    window, log_odds, base, slope = sizes
    return Planted(
        name=name, kind=kind, phrase=phrase, window_hours=window, log_odds=log_odds,
        base=base, slope=slope,
    )  # fmt: skip


PLANTED = (
    _planted("norepinephrine", "prescription", "NORepinephrine", 12, 1.4, -1.7, 0.8),
    _planted("vasopressin", "prescription", "Vasopressin", 12, 1.2, -2.6, 0.8),
    _planted("ventilation", "procedure", "Invasive Ventilation", 12, 1.2, -1.1, 0.7),
    _planted("dialysis", "procedure", "Dialysis - CRRT", 12, 1.1, -2.6, 0.7),
    _planted("extubation", "procedure", "Extubation", 12, -1.4, -1.3, -0.5),
    _planted("lactate", "lab", "mmol/L (0.5–2) abnormal", 6, 1.4, -1.1, 0.7),
    _planted(
        "blood_culture", "microbiology", "Blood Culture, Routine STAPH AUREUS COAG +",
        24, 1.2, -2.3, 0.3,
    ),
    _planted("transfusion", "ingredient", "Blood Ingredient", 12, 1.0, -1.5, 0.4),
)  # fmt: skip
NAMES = tuple(each.name for each in PLANTED)


def severity(
    hours: FloatArray, *, early: FloatArray, late: FloatArray, after: FloatArray
) -> FloatArray:
    """Return `[n]` the hidden severity so many hours before the prediction, negative after it.

    Args:
        hours: `[n]`.
        early: `[n]` level long before.
        late: `[n]` level shortly before.
        after: `[n]` level after it.
    """
    first, second = PATH_TURNS
    turned = np.clip((first - hours) / (first - second), 0.0, 1.0)
    return np.where(hours < 0, after, early * (1.0 - turned) + late * turned)


def chances(level: FloatArray, *, earlier: bool = False) -> FloatArray:
    """Return `[n, K]` how likely each planted event is at severity `level` `[n]`."""
    base = np.array([each.base for each in PLANTED]) + (EARLIER if earlier else 0.0)
    return expit(base + level[:, None] * np.array([each.slope for each in PLANTED]))


def event_log_odds(inside: BoolArray) -> FloatArray:
    """Return `[n]` what the planted events within their windows `[n, K]` add to the log-odds."""
    return inside.astype(np.float64) @ np.array([each.log_odds for each in PLANTED])


def static_log_odds(age: FloatArray, admission_type: npt.NDArray[np.int64]) -> FloatArray:
    """Return `[n]` what age (years, as the source tells it) and admission type add.

    Args:
        age: `[n]`.
        admission_type: `[n]` places in `ADMISSION_TYPES`.
    """
    types = np.array([log_odds for _, log_odds in ADMISSION_TYPES.values()])
    return LOG_ODDS_A_YEAR * (age - AGE_CENTRE) + types[admission_type]
