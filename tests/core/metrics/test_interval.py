"""Intervals: percentiles, undefined draws, words."""

from __future__ import annotations

import json

import numpy as np
import pytest

from components.core.metrics.interval import Interval, number, percentile


def test_percentiles_leave_undefined_draws_out_and_count_them() -> None:
    draws = np.concatenate([np.arange(101.0), [np.nan] * 3])
    found = percentile(50.0, draws, level=0.9, method="m")
    assert (found.lo, found.hi) == pytest.approx((5, 95))
    assert (found.value, found.n_draws, found.undefined, found.method) == (50, 104, 3, "m")


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
