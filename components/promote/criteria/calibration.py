"""The recalibrated probabilities mean what they say."""

from __future__ import annotations

from components.core.metrics.calibration_chance import ece_by_chance
from components.core.metrics.interval import number
from components.core.metrics.tables import floats, sigmoid
from components.promote.criterion import Case, Criterion

NAME = "calibration"
ORDER = 70


def applies(case: Case) -> bool:
    """Return True: every candidate gives probabilities."""
    return bool(case.candidate.judged.figures)


def judge(case: Case) -> Criterion:
    """Return whether slope and expected calibration error lie within their bounds.

    In few patients even a model with right probabilities has a large ECE. A gate may allow what it
    stays below by chance; by default none does.
    """
    figures, config = case.candidate.judged.figures, case.gate.calibration
    slope, ece = figures["calibration_slope"].value, figures["ece"].value
    low, high = config.slope
    chance = _chance(case)
    allowed = f" or {number(chance)}, its size by chance on these patients" if chance else ""
    # An undefined figure (NaN) is within no bound.
    return Criterion(
        name=NAME,
        passed=low <= slope <= high and ece <= max(config.ece, chance),
        sentence=f"slope {number(slope)} ({low:g} to {high:g}), ECE {number(ece)} (at most "
        f"{config.ece:g}{allowed})",
        numbers={"slope": slope, "ece": ece, "ece_by_chance": chance},
    )


def _chance(case: Case) -> float:
    level, own = case.gate.calibration.chance, case.candidate.judged.tables.pooled
    if not level:
        return 0.0
    return ece_by_chance(
        sigmoid(floats(own, "calibrated_logit")),
        floats(own, "weight"),
        level=level,
    )
