"""CTRCD from one patient's serial measurements, by the IC-OS definition.

Herrmann J et al. Eur Heart J 2022;43:280-299, adopted by the ESC 2022 cardio-oncology guideline
(Lyon AR et al. Eur Heart J 2022;43:4229-4361, table 3). Every change is new against the patient's
own baseline: the last value on or before the index day (day 0).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.core.config.ctrcd import Biomarker, CtrcdConfig

GRADES = ("none", "mild", "moderate", "severe", "very_severe")
NONE, MILD, MODERATE, SEVERE = range(4)
MARKERS = ("troponin_t", "troponin_i", "nt_probnp")
# The definition's own limits: LVEF in per cent and points, GLS in per cent of its baseline.
SEVERE_LVEF, NORMAL_LVEF, FALL_POINTS, GLS_PERCENT = 40.0, 50.0, 10.0, 15.0
# Differences of decimals are compared after rounding here: 59.3 - 49.3 is a fall of 10 points.
_DECIMALS = 6

# Measurement name -> ascending (day, value); at most one value a day.
Series = Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True, kw_only=True)
class Course:
    """What a patient's measurements come to.

    Attributes:
        grades: (day, place in `GRADES`) of every day after the index day with a measurement.
        has_baseline: there is an LVEF on or before the index day.
        lvef_days: days of the LVEFs after the index day.
    """

    grades: tuple[tuple[float, int], ...]
    has_baseline: bool
    lvef_days: tuple[float, ...]

    def first(self, grade: int) -> float | None:
        """Return the day of the first measurement that reaches `grade`; None if none does."""
        return next((day for day, found in self.grades if found >= grade), None)

    def worst(self, until: float) -> int:
        """Return the worst grade up to and with day `until`."""
        return max((found for day, found in self.grades if day <= until), default=NONE)


def course(series: Series, config: CtrcdConfig) -> Course:
    """Return the grade on every day of measurement after the index day.

    A day's state holds, of every kind of measurement, the last value after the index day that is
    no older than `config.together_days`.

    Args:
        series: days from the index date; values in the units of `MEASUREMENT_UNITS`, the GLS as a
            magnitude.
        config: biomarker cut-offs and `together_days`.
    """
    baseline = _state(series, since=-math.inf, until=0)
    later = {name: [pair for pair in values if pair[0] > 0] for name, values in series.items()}
    days = sorted({day for values in later.values() for day, _ in values})
    grades = tuple(
        (day, grade(baseline, _state(later, since=day - config.together_days, until=day), config))
        for day in days
    )
    return Course(
        grades=grades,
        has_baseline="lvef" in baseline,
        lvef_days=tuple(day for day, _ in later.get("lvef", ())),
    )


def grade(baseline: Mapping[str, float], now: Mapping[str, float], config: CtrcdConfig) -> int:
    """Return the grade as a place in `GRADES`: the worse of asymptomatic and symptomatic CTRCD.

    Args:
        baseline: measurement name → the patient's own baseline value.
        now: measurement name → value of the state to be graded.
        config: biomarker cut-offs.
    """
    return max(_asymptomatic(baseline, now, config), _symptomatic(baseline, now))


def _asymptomatic(
    baseline: Mapping[str, float], now: Mapping[str, float], config: CtrcdConfig
) -> int:
    """Grade LVEF, GLS and biomarkers; without LVEF at baseline and now there is no grade."""
    if "lvef" not in baseline or "lvef" not in now:
        return NONE
    before, lvef = baseline["lvef"], now["lvef"]
    if lvef < SEVERE_LVEF:  # new: a patient below 40 % before therapy has not fallen there
        return SEVERE if before >= SEVERE_LVEF else NONE
    injury = _gls_declined(baseline, now) or any(
        raised_anew(getattr(config, name), baseline, now, name) for name in MARKERS
    )
    if lvef >= NORMAL_LVEF:
        return MILD if injury else NONE
    fall = round(before - lvef, _DECIMALS)
    return MODERATE if fall >= FALL_POINTS or (fall > 0 and injury) else NONE


def _symptomatic(baseline: Mapping[str, float], now: Mapping[str, float]) -> int:
    """Grade heart failure as recorded; new means worse than what was recorded before therapy."""
    found = int(now.get("hf_symptoms", NONE))
    return found if found > baseline.get("hf_symptoms", NONE) else NONE


def _gls_declined(baseline: Mapping[str, float], now: Mapping[str, float]) -> bool:
    if "gls" not in baseline or "gls" not in now:
        return False
    before = baseline["gls"]
    return round(100 * (before - now["gls"]) / before, _DECIMALS) > GLS_PERCENT


def raised_anew(
    rule: Biomarker, baseline: Mapping[str, float], now: Mapping[str, float], name: str
) -> bool:
    """Return whether a biomarker is raised and was not so at baseline, or has risen further.

    Without a baseline of its own a raised value cannot be called new.
    """
    if name not in baseline or name not in now or not raised(rule, now[name]):
        return False
    if not raised(rule, baseline[name]):
        return True
    if rule.rise_percent is None:
        return False
    rise = 100 * (now[name] - baseline[name]) / baseline[name]
    return round(rise, _DECIMALS) > rule.rise_percent


def raised(rule: Biomarker, value: float) -> bool:
    """Return whether a value lies above the cut-off, or on it where that counts."""
    return value > rule.cutoff or (rule.inclusive and value == rule.cutoff)


def _state(series: Series, *, since: float, until: float) -> dict[str, float]:
    """Return of every kind the last value with since ≤ day ≤ until, where there is one."""
    found: dict[str, float] = {}
    for name, values in series.items():
        place = bisect_right(values, until, key=lambda pair: pair[0])
        if place and values[place - 1][0] >= since:
            found[name] = values[place - 1][1]
    return found
