"""Still leads, rails, absurd excursions."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.signals import rails

LSB = np.full(8, 0.005)


def counted(x: np.ndarray) -> np.ndarray:
    return (np.rint(x / 0.005) * 0.005).astype(np.float32)


def test_a_clean_recording_is_clean(ecg) -> None:
    for every in (0.4, 0.8, 1.9):
        x = counted(ecg(every=every))
        assert not rails.still(x + np.float32(0.02) * np.sin(np.arange(5000)), 500.0).any()
        assert not rails.saturated(x, 500.0, LSB).any()
        assert not rails.overrange(x, 500.0).any()


@pytest.mark.parametrize(("seconds", "expected"), [(1.4, False), (2.6, True)])
def test_a_lead_that_stops(ecg, seconds, expected) -> None:
    x = ecg(every=0.5)
    x[4, 1000 : 1000 + round(seconds * 500)] = 0.3
    assert rails.still(x, 500.0).tolist() == [False] * 4 + [expected] + [False] * 3


def test_a_short_strip_that_does_not_move() -> None:
    assert rails.still(np.full((2, 30), 0.7, np.float32), 500.0).all()
    assert rails.still(np.full((2, 1), 0.7, np.float32), 500.0).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_a_clipped_lead(ecg, sign) -> None:
    wave = 2 * np.sin(np.arange(5000) / 800) + 0.03 * np.sin(np.arange(5000))
    x = sign * (ecg() + wave).astype(np.float32)
    assert rails.saturated(counted(np.clip(x, -1.5, 1.5)), 500.0, LSB).all()
    assert not rails.saturated(counted(x), 500.0, LSB).any()


def test_a_float_source_takes_the_usual_count(ecg) -> None:
    x = np.clip(3 * ecg(), -1.5, 1.5).astype(np.float32)
    assert rails.saturated(x, 500.0, np.full(8, np.nan))[1]
    assert not rails.saturated(ecg(), 500.0, np.full(8, np.nan)).any()


def test_a_smooth_top_is_no_rail() -> None:
    time = np.arange(5000) / 500
    slow = counted(np.tile(2 * np.sin(2 * np.pi * 0.2 * time), (8, 1)))
    assert (slow == slow.max()).sum() > 100  # 20 ms and more on the highest count
    assert not rails.saturated(slow, 500.0, LSB).any()


def test_a_rail_at_the_very_start_or_end(ecg) -> None:
    x = ecg()
    x[0, :100], x[1, -100:] = 3.2, -3.2
    assert rails.saturated(x, 500.0, LSB).tolist() == [True, True] + [False] * 6


def test_overrange_needs_its_time(ecg) -> None:
    x = ecg()
    x[0, 100:120] += 6  # 40 ms
    x[1, 100:119] += 6
    x[2] += 9  # an electrode's constant offset is free
    assert rails.overrange(x, 500.0).tolist() == [True] + [False] * 7
