"""Gain, phase, edges and what the filters leave of the ST segment."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.signals import filters

FS = 500.0
R_S = np.arange(0.4, 60, 0.8)


def gain(hz: float, seconds: float = 200.0, **options) -> float:
    """Amplitude out over amplitude in, from the middle half, and assert that no phase is added."""
    time = np.arange(round(seconds * FS)) / FS
    x = np.sin(2 * np.pi * hz * time, dtype=np.float32)[None]
    given = {"highpass_hz": None, "notch_hz": None} | options
    y = filters.apply(x, FS, **given)[0]
    middle = slice(len(time) // 4, 3 * len(time) // 4)
    turn = np.exp(-2j * np.pi * hz * time[middle])
    out, into = (turn * y[middle]).mean(), (turn * x[0, middle]).mean()
    assert abs(np.angle(out / into)) < 0.01 or abs(out / into) < 0.01
    return abs(out / into)


@pytest.mark.parametrize("hz", [0.05, 0.5])
def test_the_high_pass(hz) -> None:
    assert gain(hz, highpass_hz=hz) == pytest.approx(1 / np.sqrt(2), abs=0.01)
    assert gain(20 * hz, highpass_hz=hz) == pytest.approx(1, abs=0.002)
    assert gain(40, highpass_hz=hz) == pytest.approx(1, abs=0.001)
    # Two first-order passes: 40 dB per decade far below.
    assert gain(hz / 5, seconds=2000 if hz < 0.1 else 400, highpass_hz=hz) < 0.1


@pytest.mark.parametrize("hz", [50, 60])
def test_the_notch(hz) -> None:
    assert gain(hz, notch_hz=hz) < 0.001
    assert gain(hz + 0.2, notch_hz=hz) < 0.05
    for other in (10, 40, 110 - hz):
        assert gain(other, notch_hz=hz) > 0.97
    # The one pass is −3 dB at 1 Hz from the middle, both together −6 dB.
    assert gain(hz - 1.0, notch_hz=hz) == pytest.approx(0.5, abs=0.03)


def test_both_together() -> None:
    assert gain(50, highpass_hz=0.5, notch_hz=50) < 0.001
    assert gain(0.5, highpass_hz=0.5, notch_hz=50) == pytest.approx(1 / np.sqrt(2), abs=0.01)


def st_error(hz: float, seconds: float) -> float:
    """Largest error in mV of the ST level against the PQ level, over beats with 0.2 mV of ST."""
    time = np.arange(round(seconds * FS)) / FS
    peaks = R_S[seconds - 0.5 > R_S]
    at = time[None] - peaks[:, None]
    beats = 1.2 * np.exp(-((at / 0.012) ** 2) / 2) + 0.3 * np.exp(-(((at - 0.3) / 0.05) ** 2) / 2)
    st = 0.2 * ((at > 0.05) & (at < 0.25))
    x = (beats + st).sum(axis=0).astype(np.float32)[None]
    y = filters.apply(x, FS, highpass_hz=hz, notch_hz=None)[0]
    j60, pq = (np.rint((peaks + shift) * FS).astype(int) for shift in (0.10, -0.08))
    return float(np.abs((y[j60] - y[pq]) - (x[0, j60] - x[0, pq])).max())


def test_the_st_level_is_kept() -> None:
    assert st_error(0.05, 10.0) < 0.005
    assert st_error(0.05, 40.0) < 0.005
    # At zero phase 0.5 Hz errs by less than the 0.025 mV that a reader can see (a quarter square).
    assert 0.005 < st_error(0.5, 10.0) < 0.025


def test_wander_goes_and_the_beat_stays(ecg) -> None:
    x = ecg()
    slow = 0.5 * np.sin(2 * np.pi * 0.1 * np.arange(5000) / FS)
    y = filters.apply((x + slow).astype(np.float32), FS, highpass_hz=0.5, notch_hz=None)
    r = round(4.4 * FS)
    assert np.ptp(y[5, r - 50 : r + 50]) == pytest.approx(np.ptp(x[5, r - 50 : r + 50]), abs=0.02)
    baseline = y[5, np.rint((np.arange(0.4, 10, 0.8) - 0.3) * FS).astype(int)]
    assert np.ptp(baseline[1:-1]) < 0.1  # of 1 mV; the ends see a mirrored drift


@pytest.mark.parametrize("samples", [1, 2, 30, 5000])
@pytest.mark.parametrize("options", [(0.05, None), (0.5, 50), (None, 60)])
def test_any_length_and_level_without_a_jump_at_the_ends(samples, options) -> None:
    x = np.full((2, samples), 3.0, np.float32)
    y = filters.apply(x, FS, highpass_hz=options[0], notch_hz=options[1])
    assert y.shape == x.shape
    assert y.dtype == np.float32
    assert y == pytest.approx(np.full_like(x, 0 if options[0] else 3), abs=1e-5)


def test_no_filter_is_no_change(ecg) -> None:
    x = ecg()
    assert filters.apply(x, FS, highpass_hz=None, notch_hz=None).tobytes() == x.tobytes()


def test_margins_let_the_edges_settle(ecg) -> None:
    long = np.random.default_rng(0).normal(0, 1, (1, 40_000)).cumsum(axis=1).astype(np.float32) / 50
    whole = filters.apply(long, FS, highpass_hz=0.5, notch_hz=50)
    margin = round(filters.margin_s(0.5, 50) * FS)
    cut = filters.apply(
        long[:, 20_000 - margin : 25_000 + margin], FS, highpass_hz=0.5, notch_hz=50
    )
    assert np.abs(cut[:, margin : margin + 5000] - whole[:, 20_000:25_000]).max() < 0.05
    assert filters.margin_s(None, None) == 0
    assert filters.margin_s(0.05, None) > filters.margin_s(0.5, 50) > filters.margin_s(None, 50)


def test_a_notch_that_the_rate_cannot_hold() -> None:
    with pytest.raises(ValueError, match="a 60 Hz notch needs more than 120 Hz, not 120 Hz"):
        filters.apply(np.zeros((1, 99), np.float32), 120.0, highpass_hz=None, notch_hz=60)
