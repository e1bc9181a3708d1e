"""The recalibrated probabilities mean what they say."""

from __future__ import annotations

from components.core.metrics.interval import number
from components.promote.criterion import Case, Criterion

NAME = "calibration"
ORDER = 70


def applies(case: Case) -> bool:
    """Return True: every candidate gives probabilities."""
    return bool(case.candidate.judged.figures)


def judge(case: Case) -> Criterion:
    """Return whether slope and expected calibration error lie within their bounds."""
    figures, config = case.candidate.judged.figures, case.gate.calibration
    slope, ece = figures["calibration_slope"].value, figures["ece"].value
    low, high = config.slope
    # An undefined figure (NaN) is within no bound.
    return Criterion(
        name=NAME,
        passed=low <= slope <= high and ece <= config.ece,
        sentence=f"slope {number(slope)} ({low:g} to {high:g}), ECE {number(ece)} (at most "
        f"{config.ece:g})",
        numbers={"slope": slope, "ece": ece},
    )
