"""Counts become millivolts exactly."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st


@given(
    st.integers(-32767, 32767), st.integers(-40000, 40000), st.sampled_from([1e-3, 0.00488, 0.005])
)
def test_every_value_is_a_whole_multiple_of_the_gain(make, count, baseline, lsb) -> None:
    signal = make(np.array([[count]], np.int16), ("I",), lsb=lsb, offset=-baseline * lsb)
    assert signal.physical()[0, 0] == np.float32(count - baseline) * np.float32(lsb)


def test_a_fractional_offset_is_kept(make) -> None:
    signal = make(np.array([[10]], np.int16), ("I",), lsb=0.1, offset=0.05)
    np.testing.assert_allclose(signal.physical(), [[1.05]], rtol=1e-6)


def test_no_value_is_nan_in_integers_only(make) -> None:
    counts = np.array([[1, -32768, 3]], np.int16)
    assert np.isnan(make(counts, ("I",), no_value=-32768).physical()).tolist() == [[0, 1, 0]]
    assert not np.isnan(make(counts, ("I",)).physical()).any()
    assert make(counts.astype(float), ("I",), no_value=-32768).physical()[0, 1] == -32768


def test_rows_are_picked_in_the_order_asked(make, walk) -> None:
    signal = make(walk(3), ("I", "II", "V1"))
    np.testing.assert_array_equal(signal.physical([2, 0]), signal.physical()[[2, 0]])
    assert (signal.samples, signal.duration_s) == (5000, 10.0)
