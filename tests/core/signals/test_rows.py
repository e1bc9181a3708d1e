"""Means and medians of rows against NumPy's own, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.signals.rows import centred, median


@pytest.mark.parametrize("shape", [(1,), (2,), (5, 9), (3, 4, 10), (2, 3, 64)])
def test_the_median_is_numpys(shape) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = median(x)
    np.testing.assert_array_equal(found, np.median(x, axis=-1))
    assert np.asarray(found).dtype == np.float32


@pytest.mark.parametrize("count", [4, 5])
def test_a_row_with_a_gap_has_no_median(count) -> None:
    x = np.random.default_rng(1).normal(size=(3, count)).astype(np.float32)
    x[1, 0] = np.nan
    np.testing.assert_array_equal(median(x), np.median(x, axis=-1))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_lose_the_mean_that_numpy_gives(kind, order) -> None:
    x = np.asarray(np.random.default_rng(2).normal(3, 1, (4, 5, 101)), kind, order=order)
    found = centred(x)
    np.testing.assert_array_equal(found, x - x.mean(axis=-1, keepdims=True))
    assert found.dtype == kind
