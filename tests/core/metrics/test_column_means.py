"""Means of columns: against NumPy, by patient, without what is missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.errors import InputError
from components.core.metrics.column_means import column_means, mean_intervals, patients_with
from components.core.metrics.resampling import Plan

PLAN = Plan(draws=200)


def test_means_agree_with_numpy_and_leave_out_what_is_missing() -> None:
    values = np.array([[1.0, np.nan], [3.0, 2.0], [5.0, np.nan]])
    found = mean_intervals(values, ("a", "b"), ["p", "q", "r"], plan=PLAN)
    assert (found["a"].value, found["b"].value) == (3.0, 2.0)
    # A draw without the one patient who has a value has no mean.
    assert found["b"].undefined > 0
    assert found["a"].lo < 3 < found["a"].hi


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), st.integers(1, 5), st.integers(0, 2**31))
def test_the_point_value_is_nanmean(rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, columns))
    values[rng.random((rows, columns)) < 0.3] = np.nan
    names = [str(k) for k in range(columns)]
    found = mean_intervals(values, names, rng.integers(0, 9, rows), plan=Plan(draws=2))
    for k, name in enumerate(names):
        own = values[np.isfinite(values[:, k]), k]
        assert np.isclose(found[name].value, own.mean() if own.size else np.nan, equal_nan=True)


def test_the_interval_is_that_of_patients_not_rows() -> None:
    rng = np.random.default_rng(1)
    own = rng.normal(size=50)
    once = mean_intervals(own[:, None], ("a",), np.arange(50), plan=PLAN)["a"]
    tenfold = np.repeat(own, 10)[:, None]
    often = mean_intervals(tenfold, ("a",), np.repeat(np.arange(50), 10), plan=PLAN)["a"]
    assert (often.lo, often.hi) == pytest.approx((once.lo, once.hi))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(2, 3\) for 2 names; give one column per name"):
        column_means(np.zeros((2, 3)), ("a", "b"))
    with pytest.raises(InputError, match=r"patient ids have shape \(3,\) where 2 rows are needed"):
        patients_with(np.zeros((2, 1)), [1, 2, 3])
