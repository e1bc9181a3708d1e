"""Arrays without facts: stored without loss, turned by the declared leads, never by a guess."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.errors import RecordError
from components.core.readers.plain_array import Scale, leads_first, plain_signal
from components.core.signals.units import check_signal

SCALE = Scale(fs=500, factor=1e-3, unit="mV")
LEADS = ("I", "II")


@pytest.mark.parametrize(
    "dtype", ["i1", "u1", "<i2", ">i2", "u2", "i4", ">i8", "u8", "f2", "f4", ">f8"]
)
def test_whole_numbers_of_any_type_are_counts(dtype) -> None:
    values = np.array([[1, 2, 100], [3, 0, 127]]).astype(dtype)
    signal = check_signal(plain_signal(values, LEADS, SCALE))
    assert signal.values.dtype == np.int16
    assert signal.values.flags.c_contiguous
    assert signal.values.tolist() == [[1, 2, 100], [3, 0, 127]]
    np.testing.assert_allclose(signal.lsb, 1e-3)


@pytest.mark.parametrize(
    "values",
    [
        np.array([[0.5, 1.0]]),
        np.array([[np.nan, 1.0]]),
        np.array([[np.inf, 1.0]]),
        np.array([[-32769, 0]]),
        np.array([[65535]], np.uint16),
        np.array([[2**63]], np.uint64),
        np.array([[40000.0]], np.float16),
        np.array([[32767.0 + 1]], np.float16),
    ],
)
def test_anything_else_is_float32_in_the_unit(values) -> None:
    signal = plain_signal(values, ("I",) * len(values), SCALE)
    assert signal.values.dtype == np.float32
    np.testing.assert_allclose(signal.physical(), values.astype(np.float64) / 1000, rtol=1e-6)


def test_a_number_beyond_float32_becomes_infinite_and_is_masked_later() -> None:
    assert np.isinf(plain_signal(np.array([[1e300]]), ("I",), SCALE).physical()).all()


def test_the_axis_of_the_leads_is_known_by_their_number() -> None:
    values = np.arange(10).reshape(2, 5)
    np.testing.assert_array_equal(leads_first(values, LEADS), values)
    np.testing.assert_array_equal(leads_first(values.T, LEADS), values)


@pytest.mark.parametrize(
    ("shape", "code", "match"),
    [
        ((2, 2), "ambiguous_orientation", "both axes of the 2x2 array could be the 2 leads"),
        ((3, 5), "lead_count_mismatch", "2 leads are declared, the file has 3x5; declare every"),
        ((10,), "not_two_dimensional", "the array has 1 dimensions where leads and samples"),
        ((1, 2, 5), "not_two_dimensional", "has 3 dimensions .* write one recording per file"),
    ],
)
def test_an_unclear_orientation_is_refused(shape, code, match) -> None:
    with pytest.raises(RecordError, match=match) as caught:
        leads_first(np.zeros(shape), LEADS)
    assert caught.value.code == code


def test_a_signalling_nan_and_an_overflow_are_no_values() -> None:
    signalling = np.array([[0x7F800001, 0x3F000000]], np.uint32).view(np.float32)
    assert np.isnan(plain_signal(signalling, ("I",), SCALE).values[0, 0])
    volts = Scale(fs=500, factor=1e3, unit="mV")
    assert np.isinf(plain_signal(np.array([[1e38, 0.5]]), ("I",), volts).values[0, 0])
