"""Intervals: percentiles, undefined draws, words."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from components.core.metrics.interval import (
    Interval,
    centred,
    expanded_tail,
    number,
    on_logit_scale,
    percentile,
)


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


def test_patients_compared_within_folds_lose_a_degree_of_freedom_to_each() -> None:
    t = stats.t.isf(0.05, 60 - 5)
    wanted = stats.norm.sf(t * np.sqrt(60 / 55))
    assert expanded_tail(0.9, 60, groups=5) == pytest.approx(wanted, rel=1e-9)
    assert expanded_tail(0.9, 60, groups=1) == expanded_tail(0.9, 60)
    assert expanded_tail(0.9, 5, groups=5) == 0
    draws = np.linspace(0, 1, 10_001)
    found = percentile(0.5, draws, level=0.9, method="m", patients=60, groups=5)
    assert (found.lo, found.hi) == pytest.approx((wanted, 1 - wanted), abs=1e-6)


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


def test_on_the_logit_scale_an_interval_is_symmetric_and_stays_inside() -> None:
    draws = np.array([0.90, 0.95, 0.97, 0.985, np.nan])
    found = on_logit_scale(0.96, draws, level=0.9, method="m", patients=12)
    assert found is not None
    logits = np.log(draws[:4] / (1 - draws[:4]))
    reach = stats.t.isf(0.05, 11) * np.sqrt(12 / 11) * logits.std(ddof=1)
    middle = np.log(0.96 / 0.04)
    wanted = [1 / (1 + np.exp(-(middle + side * reach))) for side in (-1, 1)]
    assert (found.lo, found.hi) == pytest.approx(wanted, rel=1e-9)
    assert (found.value, found.n_draws, found.undefined, found.method) == (0.96, 5, 1, "m")


@pytest.mark.parametrize(
    ("value", "draws", "patients"),
    [
        (1.0, [0.9, 0.8], 30),
        (0.9, [0.9, 1.0], 30),
        (0.1, [0.0, 0.2], 30),
        (np.nan, [0.9, 0.8], 30),
        (0.9, [0.9, np.nan], 30),
        (0.9, [0.9, 0.8], 1),
    ],
)
def test_without_a_logit_there_is_no_interval_on_its_scale(
    value: float, draws: list[float], patients: int
) -> None:
    found = on_logit_scale(value, np.array(draws), level=0.95, method="m", patients=patients)
    assert found is None


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


def test_centred_draws_keep_their_spread_and_hold_the_figure() -> None:
    draws = np.array([0.3, 0.5, np.nan, 0.7])
    moved = centred(0.1, draws)
    np.testing.assert_allclose(moved, [0.0, 0.1, np.nan, 0.3])
    assert np.isnan(centred(0.1, np.full(3, np.nan))).all()
