"""Numbers as text: counts where they are whole and fit, nothing misread."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.readers.counts import int16_or_float, parse


@given(st.lists(st.integers(-(2**15), 2**15 - 1), min_size=1), st.sampled_from([" ", "\n", "\t "]))
def test_whole_numbers_that_fit_are_counts(values, space) -> None:
    found = parse(space.join(map(str, values)))
    assert found.dtype == np.int16
    assert found.tolist() == values


@given(st.lists(st.floats(allow_infinity=False), min_size=1))
def test_any_other_numbers_are_floats_to_the_bit(values) -> None:
    found = parse(" ".join(map(repr, [*values, 0.5])))
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [*values, 0.5])


@pytest.mark.parametrize("text", ["32768", "-32769", "9" * 30, "1e9", "nan", "-inf", "1.25"])
def test_what_does_not_fit_int16_stays_float(text) -> None:
    np.testing.assert_array_equal(parse(f"7 {text}"), np.array([7, float(text)]))


@pytest.mark.parametrize("text", ["1.0 2e1 -3", "+4 -0 5"])
def test_how_a_whole_number_is_written_does_not_matter(text) -> None:
    assert parse(text).dtype == np.int16
    assert parse(text).tolist() == [float(each) for each in text.split()]


@pytest.mark.parametrize("text", [" ", "1,5", "1-5", "1.5.5", "1_0", "0x1", "1 x", "\u0661", "--5"])
def test_what_is_no_number_is_refused(text) -> None:
    with pytest.raises(ValueError, match=r"number|unmatched"):
        parse(text)


def test_int16_or_float_keeps_nan() -> None:
    values = np.array([1.0, np.nan])
    assert int16_or_float(values) is values
    assert int16_or_float(np.array([1.0, -2.0])).dtype == np.int16
