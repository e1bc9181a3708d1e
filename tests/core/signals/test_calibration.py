"""The 1 mV pulse: found at either end, and nothing else taken for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.core.signals.calibration import real_part
from components.core.signals.leads import LEADS12

CINC2011 = (
    Path(__file__).resolve().parents[3]
    / "../shared/data/cinc2011_quality/signals_12lead_500hz_int16.npz"
)


def with_pulse(x: np.ndarray, *, fs: float, before: float, after: float, **shape) -> np.ndarray:
    """`x` and a line, a pulse, a line of the given seconds; the line stands where `x` ends."""
    height, width = shape.get("height", 1.0), shape.get("width", 0.2)
    level = x[:, -1:] if shape.get("level") is None else np.full((len(x), 1), shape["level"])
    parts = [
        np.repeat(level + step, round(seconds * fs), axis=1)
        for step, seconds in ((0.0, before), (height, width), (0.0, after))
    ]
    return np.concatenate([x, *parts], axis=1)


def counts(x: np.ndarray) -> np.ndarray:
    return np.rint(x / 0.005).astype(np.int16)


@pytest.mark.parametrize("fs", [250.0, 500.0, 1000.0])
@pytest.mark.parametrize(("before", "after"), [(0.7, 0.1), (0.04, 0.02), (0.3, 0.5)])
def test_a_pulse_at_the_end(ecg, make, fs, before, after) -> None:
    x = ecg(fs=fs)
    found = real_part(make(counts(with_pulse(x, fs=fs, before=before, after=after)), fs=fs))
    assert found.start == 0
    # The still line goes too, and with it what of the last beat's end is as still.
    assert x.shape[1] - 0.4 * fs < found.stop <= x.shape[1] + 0.01 * fs


def test_the_layout_of_philips(ecg, twelve, make) -> None:
    x = twelve(ecg())
    noise = np.random.default_rng(0).normal(0, 0.004, (12, 5500))
    whole = with_pulse(x, fs=500, before=0.7, after=0.1, level=0.0) + noise
    assert whole.shape == (12, 5500)
    assert whole[:, 5350:5450].mean() == pytest.approx(1, abs=0.01)
    slow = 0.2 * np.sin(np.arange(5000) / 100)
    whole[:, :5000] += slow
    assert 4980 < real_part(make(whole, LEADS12)).stop <= 5002


@pytest.mark.parametrize("after", [0.1, 0.3])
def test_a_pulse_at_the_start(ecg, make, after) -> None:
    x = ecg(every=0.5)
    whole = with_pulse(x[:, ::-1], fs=500, before=after, after=0.1)[:, ::-1]
    found = real_part(make(counts(whole)))
    assert found.stop == whole.shape[1]
    assert found.start >= whole.shape[1] - x.shape[1] - 5
    assert found.start < whole.shape[1] - x.shape[1] + 150


def test_a_silent_lead_does_not_hide_the_pulse(ecg, make) -> None:
    whole = with_pulse(ecg(), fs=500, before=0.3, after=0.1)
    whole[3] = 0
    assert real_part(make(counts(whole))).stop < 5005


@pytest.mark.parametrize(
    "shape", [{"height": 0.7}, {"height": 1.3}, {"height": -1.0}, {"width": 0.05}, {"width": 0.5}]
)
def test_other_rectangles_are_left_alone(ecg, make, shape) -> None:
    whole = with_pulse(ecg(), fs=500, before=0.3, after=0.1, **shape)
    assert real_part(make(counts(whole))) == slice(0, whole.shape[1])


def test_what_moves_beside_or_on_the_pulse_is_no_pulse(ecg, make) -> None:
    pulse = with_pulse(ecg(), fs=500, before=0.3, after=0.1)
    shaken = pulse.copy()
    shaken[2, -90:-60] += 0.2
    assert real_part(make(shaken)) == slice(0, pulse.shape[1])
    beside = pulse.copy()
    beside[2, -40:-30] += 0.2
    assert real_part(make(beside)) == slice(0, pulse.shape[1])
    cut = pulse[:, :-60]  # the file ends on the pulse
    assert real_part(make(cut)) == slice(0, cut.shape[1])


def test_in_one_lead_only_it_is_no_pulse(ecg, make) -> None:
    x = ecg()
    whole = with_pulse(x, fs=500, before=0.3, after=0.1)
    rest = np.repeat(x[:, -1:], whole.shape[1] - 5000, axis=1)
    whole[1:, 5000:] = rest[1:] + np.random.default_rng(0).normal(0, 0.01, rest[1:].shape)
    assert real_part(make(whole)) == slice(0, whole.shape[1])
    assert real_part(make(whole[:1], ("I",))) == slice(0, whole.shape[1])


def test_where_nothing_is_looked_for(ecg, make) -> None:
    whole = with_pulse(ecg(), fs=500, before=0.3, after=0.1)
    assert real_part(make(whole, unit="z")) == slice(0, whole.shape[1])
    short = whole[:, -1400:]
    assert real_part(make(short)) == slice(0, 1400)
    assert real_part(make(whole[:0], ())) == slice(0, whole.shape[1])
    holed = whole.astype(np.float32)
    holed[0, -10] = np.nan
    assert real_part(make(holed)) == slice(0, whole.shape[1])


@pytest.mark.real_data
def test_no_real_recording_holds_a_pulse(make) -> None:
    if not CINC2011.exists():
        pytest.skip("the real sample files are not beside the project")
    with np.load(CINC2011) as file:
        for values in file["x"]:
            assert real_part(make(values, LEADS12)) == slice(0, 5000)
