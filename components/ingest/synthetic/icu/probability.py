"""The true chance of death in hospital given events and static features, or either alone.

Given both it is the mechanism's own formula. Given one alone the other is averaged over a reference
cohort: severity does not depend on what is static, so the two are independent of each other.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import expit

from components.ingest.synthetic.cohort import FloatArray
from components.ingest.synthetic.icu.draw import Stays, draw_stays
from components.ingest.synthetic.icu.mechanism import (
    INTERCEPT,
    NAMES,
    PLANTED,
    event_log_odds,
    static_log_odds,
)

# In the order in which the columns of the truth name inputs.
INPUTS = ("events_tabular", "events", "tabular")
# The mechanism is one for all seeds, and so is the cohort that stands for everybody.
_REFERENCE_SEED, _REFERENCE_BLOCKS = 20_260_102, 80


def log_odds(stays: Stays) -> tuple[FloatArray, FloatArray]:
    """Return `[n]` what events and what static features add to the log-odds of death."""
    return event_log_odds(stays.inside), static_log_odds(stays.age, stays.admission_type)


def probabilities(stays: Stays) -> dict[str, FloatArray]:
    """Return `[n]` chances under each of `INPUTS`; NaN where no prediction is made."""
    events, static = log_odds(stays)
    reference = _reference()
    found = {
        "events_tabular": expit(INTERCEPT + events + static),
        "events": _mean(events, reference[1]),
        "tabular": _mean(static, reference[0]),
    }
    return {name: np.where(stays.kept, own, np.nan) for name, own in found.items()}


def shares() -> dict[str, float]:
    """Return the share of the log-odds' variance by each planted event, and what is static.

    Of a part it is its covariance with the whole over the variance of the whole, in the reference
    cohort; the shares sum to 1. One below 0 would go against the rest.
    """
    stays = _reference_stays()
    sizes = np.array([each.log_odds for each in PLANTED])
    parts = np.column_stack([stays.inside * sizes, log_odds(stays)[1]])
    whole = parts.sum(axis=1)
    return {
        name: round(float(np.cov(part, whole)[0, 1] / whole.var(ddof=1)), 4)
        for name, part in zip((*NAMES, "static"), parts.T, strict=True)
    }


def _mean(own: FloatArray, other: tuple[FloatArray, FloatArray]) -> FloatArray:
    """Return `[n]` the chance at `own` log-odds, averaged over those of the other input."""
    values, weights = other
    each, place = np.unique(np.round(own, 9), return_inverse=True)
    return (expit(INTERCEPT + each[:, None] + values) @ weights)[place]


@lru_cache
def _reference_stays() -> Stays:
    blocks = [
        draw_stays(_REFERENCE_SEED, block, broken=False) for block in range(_REFERENCE_BLOCKS)
    ]
    kept = [stays.of(stays.kept) for stays in blocks]
    return Stays.joined(kept)


@lru_cache
def _reference() -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    """Return values and shares of the two log-odds, events' first."""
    events, static = log_odds(_reference_stays())
    return _distribution(events), _distribution(static)


def _distribution(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    each, counts = np.unique(np.round(values, 9), return_counts=True)
    return each, counts / counts.sum()
