"""Intervals: percentiles, undefined draws, words."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from components.core.metrics.interval import Interval, expanded_tail, number, percentile


def test_percentiles_leave_undefined_draws_out_and_count_them() -> None:
    draws = np.concatenate([np.arange(101.0), [np.nan] * 3])
    found = percentile(50.0, draws, level=0.9, method="m")
    assert (found.lo, found.hi) == pytest.approx((5, 95))
    assert (found.value, found.n_draws, found.undefined, found.method) == (50, 104, 3, "m")


@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize("patients", [2, 5, 30, 1000])
def test_the_tail_is_that_of_students_t(level: float, patients: int) -> None:
    t = stats.t.isf((1 - level) / 2, patients - 1)
    wanted = stats.norm.sf(t * np.sqrt(patients / (patients - 1)))
    assert expanded_tail(level, patients) == pytest.approx(wanted, rel=1e-9)


def test_an_interval_that_rests_on_few_patients_is_wider() -> None:
    draws = np.linspace(0, 1, 10_001)
    sizes = (None, 1000, 30, 5, 2, 1, 0)
    found = [percentile(0.5, draws, level=0.95, method="m", patients=n) for n in sizes]
    lower = [each.lo for each in found]
    assert lower == sorted(lower, reverse=True)
    assert lower[0] == pytest.approx(0.025)
    # t of 29 degrees of freedom is 2.0452; 2.0452·√(30/29) = 2.0802 and Φ(−2.0802) = 0.01876.
    assert lower[2] == pytest.approx(0.01876, abs=1e-5)
    assert (found[-1].lo, found[-1].hi) == (0, 1)


def test_fields_go_to_json_and_back() -> None:
    interval = Interval(0.5, 0.4, 0.6, 2000, 1, "percentile")
    assert Interval(**json.loads(json.dumps(interval.to_dict()))) == interval


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.8126, 3, "0.813"),
        (-0.25, 2, "−0.25"),
        (-0.0001, 3, "0.000"),
        (float("nan"), 3, "undefined"),
    ],
)
def test_numbers_in_print(value: float, digits: int, text: str) -> None:
    assert number(value, digits) == text
