"""Units, gains, rates, amplitudes and missing samples."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from components.core.errors import RecordError
from components.core.signals.units import (
    check_amplitude,
    check_fs,
    check_signal,
    is_voltage,
    mask_non_finite,
    millivolts_per,
)


@pytest.mark.parametrize(
    ("unit", "scale"),
    [("V", 1e3), ("mV", 1), (" mv ", 1), ("uV", 1e-3), ("µV", 1e-3), ("μV", 1e-3),
     ("MICROVOLTS", 1e-3), ("nV", 1e-6)],
)  # fmt: skip
def test_voltages(unit, scale) -> None:
    assert millivolts_per(unit) == scale
    assert is_voltage(unit)


@pytest.mark.parametrize("unit", ["", "NU", "mmHg", "z", "A"])
def test_what_is_no_voltage_is_refused(unit) -> None:
    assert not is_voltage(unit)
    with pytest.raises(RecordError, match="not a voltage known here") as caught:
        millivolts_per(unit, field="II")
    assert (caught.value.code, caught.value.field) == ("unknown_unit", "II")


@pytest.mark.parametrize("fs", [0, -500, 49.9, 20001, float("nan"), float("inf")])
def test_absurd_rates(fs) -> None:
    with pytest.raises(RecordError, match="outside 50–20000 Hz"):
        check_fs(fs)


def test_plausible_rates() -> None:
    assert [check_fs(fs) for fs in (50, 257, 20_000)] == [50, 257, 20_000]


@pytest.mark.parametrize("lsb", [0.0, -0.005, 1e-7, 1.1, float("nan"), float("inf")])
def test_absurd_gains(make, walk, lsb) -> None:
    with pytest.raises(RecordError, match="one count of lead I would be"):
        check_signal(make(walk(), lsb=lsb))


@pytest.mark.parametrize("offset", [1e5, -1e5, 1e300, float("nan")])
def test_absurd_offsets(make, walk, offset) -> None:
    signal = make(walk(), lsb=0.005)
    far = dataclasses.replace(signal, offset=np.full(len(signal.leads), offset))
    with pytest.raises(RecordError, match=r"the zero of lead I lies .* counts away") as caught:
        check_signal(far)
    assert caught.value.code == "absurd_offset"
    near = dataclasses.replace(signal, offset=np.full(len(signal.leads), 80_000.0))
    assert check_signal(near) is near


def test_the_gain_of_float_values_is_free(make, walk) -> None:
    signal = make(walk() / 200)
    assert check_signal(signal) is signal


def test_shapes(make, walk) -> None:
    with pytest.raises(RecordError, match="holds no ECG lead"):
        check_signal(make(np.zeros((0, 5), np.int16), ()))
    with pytest.raises(RecordError, match="hold no sample"):
        check_signal(make(np.zeros((1, 0), np.int16), ("I",)))
    with pytest.raises(RecordError, match="more than once: I"):
        check_signal(make(walk(2), ("I", "I")))
    with pytest.raises(RecordError, match="0 Hz is outside"):
        check_signal(dataclasses.replace(make(walk()), fs=0.0))


def test_one_gap_masks_its_lead_only() -> None:
    values = np.ones((4, 10), np.float32)
    values[1, 3], values[2, 9] = np.nan, -np.inf
    mask = mask_non_finite(values, np.array([True, True, True, True]))
    assert mask.tolist() == [True, False, False, True]
    assert not values[1:3].any()


def test_gaps_in_more_than_half_of_the_leads_refuse_the_recording() -> None:
    values = np.ones((4, 10), np.float32)
    values[:3, 0] = np.nan
    with pytest.raises(RecordError, match="3 of 4 leads hold samples without a value") as caught:
        mask_non_finite(values, np.ones(4, bool))
    assert (caught.value.code, caught.value.value) == ("nan_samples", "3")


@pytest.mark.parametrize("mv", [21.0, 1000.0, 0.0004])
def test_implausible_amplitudes(mv) -> None:
    with pytest.raises(RecordError, match=r"median amplitude is .* mV, outside 0.001–20 mV"):
        check_amplitude(np.full(8, 2 * mv, np.float32))


def test_one_large_or_small_lead_is_plausible() -> None:
    check_amplitude(np.array([100, 2, 2], np.float32))
    check_amplitude(np.array([0.0004, 0.0004, 2], np.float32))


def test_a_task_may_take_greater_amplitudes() -> None:
    check_amplitude(np.full(8, 80, np.float32), most_mv=50)
    with pytest.raises(RecordError, match=r"median amplitude is 55 mV, outside 0.001–50 mV"):
        check_amplitude(np.full(8, 110, np.float32), most_mv=50)
