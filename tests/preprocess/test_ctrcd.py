"""Every rule of the CTRCD definition, at its limits."""

from __future__ import annotations

from typing import Any

import pytest

from components.core.config.ctrcd import Biomarker, CtrcdConfig
from components.preprocess.ctrcd import GRADES, course, grade, raised_anew

CONFIG = CtrcdConfig()

ASYMPTOMATIC = [  # (baseline LVEF, LVEF now, more at baseline, more now) → grade
    (60, 50, {}, {}, "none"),  # a fall of 10 points, but still 50 %
    (60, 49.9, {}, {}, "moderate"),
    (59.9, 49.9, {}, {}, "moderate"),  # exactly 10 points
    (59.3, 49.3, {}, {}, "moderate"),  # the same, where binary fractions give 9.99…
    (59.8, 49.9, {}, {}, "none"),  # 9.9 points
    (60, 40.0, {}, {}, "moderate"),
    (60, 39.9, {}, {}, "severe"),
    (40.0, 39.9, {}, {}, "severe"),
    (39.9, 25, {}, {}, "none"),  # below 40 % before therapy: not new
    (50, 49, {"gls": 20}, {"gls": 16.98}, "moderate"),  # GLS lost 15.1 %
    (50, 49, {"gls": 20}, {"gls": 17.02}, "none"),  # 14.9 %
    (50, 49, {"gls": 20}, {"gls": 17.0}, "none"),  # exactly 15 % is not more than 15 %
    (50, 49, {"gls": 19}, {"gls": 16.15}, "none"),  # the same, where fractions give 15.0…01
    (50, 49, {}, {"gls": 10}, "none"),  # no GLS of the patient's own to compare with
    (50, 49, {"gls": 20}, {}, "none"),
    (49, 49, {"gls": 20}, {"gls": 10}, "none"),  # low, but no fall
    (49, 48.9, {"gls": 20}, {"gls": 10}, "moderate"),
    (50, 49, {"troponin_t": 13}, {"troponin_t": 14}, "none"),  # above the cut-off, not on it
    (50, 49, {"troponin_t": 14}, {"troponin_t": 14.1}, "moderate"),
    (50, 49, {"troponin_i": 20}, {"troponin_i": 26.3}, "moderate"),
    (50, 49, {"nt_probnp": 124}, {"nt_probnp": 125}, "moderate"),  # from the cut-off on
    (50, 49, {"nt_probnp": 100}, {"nt_probnp": 124.9}, "none"),
    (50, 49, {}, {"nt_probnp": 900}, "none"),  # not known to be new
    (60, 60, {"gls": 20}, {"gls": 16.98}, "mild"),
    (60, 60, {"gls": 20}, {"gls": 17.0}, "none"),
    (60, 50.0, {"troponin_t": 5}, {"troponin_t": 15}, "mild"),
    (60, 60, {"nt_probnp": 50}, {"nt_probnp": 125}, "mild"),
    (48, 55, {"gls": 20}, {"gls": 10}, "mild"),
    (60, 55, {}, {}, "none"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "lvef", "at_start", "now", "expected"), ASYMPTOMATIC)
def test_asymptomatic(
    before: float, lvef: float, at_start: dict[str, float], now: dict[str, float], expected: str
) -> None:
    found = grade({"lvef": before, **at_start}, {"lvef": lvef, **now}, CONFIG)
    assert GRADES[found] == expected


def test_without_lvef_there_is_no_asymptomatic_grade() -> None:
    assert grade({"gls": 20}, {"lvef": 30, "gls": 10}, CONFIG) == 0
    assert grade({"lvef": 60, "gls": 20}, {"gls": 10}, CONFIG) == 0


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [(None, 1, "mild"), (0, 2, "moderate"), (1, 3, "severe"), (None, 4, "very_severe"),
     (2, 2, "none"), (3, 2, "none"), (None, 0, "none")],
)  # fmt: skip
def test_symptoms_count_when_new(before: int | None, now: int, expected: str) -> None:
    baseline = {} if before is None else {"hf_symptoms": float(before)}
    assert GRADES[grade(baseline, {"hf_symptoms": now}, CONFIG)] == expected


def test_the_worse_of_both_counts() -> None:
    assert GRADES[grade({"lvef": 60}, {"lvef": 38, "hf_symptoms": 1}, CONFIG)] == "severe"
    assert GRADES[grade({"lvef": 60}, {"lvef": 45, "hf_symptoms": 4}, CONFIG)] == "very_severe"


@pytest.mark.parametrize(
    ("rise", "before", "now", "expected"),
    [(20, 20, 24, False), (20, 20, 24.1, True), (None, 20, 200, False), (20, 20, 15, False)],
)
def test_a_rise_from_a_raised_baseline(
    rise: float | None, before: float, now: float, expected: bool
) -> None:
    rule = Biomarker(cutoff=14, rise_percent=rise)
    assert raised_anew(rule, {"m": before}, {"m": now}, "m") is expected


def test_the_cutoff_is_the_assays() -> None:
    other = CtrcdConfig(troponin_i=Biomarker(cutoff=40))
    assert grade({"lvef": 60, "troponin_i": 9}, {"lvef": 60, "troponin_i": 30}, other) == 0
    assert grade({"lvef": 60, "troponin_i": 9}, {"lvef": 60, "troponin_i": 41}, other) == 1


def test_the_baseline_is_the_last_value_on_or_before_the_index_day() -> None:
    found = course({"lvef": [(-200, 48), (-20, 65), (0, 60), (90, 49), (180, 49.9)]}, CONFIG)
    assert found.has_baseline
    assert [GRADES[g] for _, g in found.grades] == ["moderate", "moderate"]
    later = course({"lvef": [(-20, 60), (0, 55), (90, 49)]}, CONFIG)
    assert later.first(2) is None  # 6 points from the value of day 0


def test_a_criterion_of_two_measurements_counts_from_the_last() -> None:
    series = {"lvef": [(0, 60), (91, 55)], "troponin_t": [(0, 5), (112, 20)]}
    assert course(series, CONFIG).first(1) == 112  # 21 days apart
    apart = series | {"troponin_t": [(0, 5), (113, 20)]}
    assert course(apart, CONFIG).first(1) is None
    assert course(apart, CtrcdConfig(together_days=22)).first(1) == 113


def test_a_baseline_value_is_not_taken_for_a_later_one() -> None:
    series = {"lvef": [(0, 60)], "troponin_t": [(0, 5), (10, 20)]}
    assert course(series, CONFIG).grades == ((10, 0),)


@pytest.mark.parametrize(("until", "worst"), [(99, 0), (100, 2), (250, 3)])
def test_worst_grade_up_to_a_day(until: float, worst: int) -> None:
    found = course({"lvef": [(0, 62), (100, 45), (200, 38), (300, 60)]}, CONFIG)
    assert found.worst(until) == worst
    assert (found.first(2), found.first(3), found.first(4)) == (100, 200, None)
    assert found.lvef_days == (100, 200, 300)


def test_nothing_measured() -> None:
    found = course({}, CONFIG)
    assert (found.grades, found.has_baseline, found.worst(1e9)) == ((), False, 0)


@pytest.mark.parametrize("wrong", [{"cutoff": 0}, {"cutoff": 5, "rise_percent": 0}])
def test_cutoffs_are_positive(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        Biomarker.model_validate(wrong)
