"""Pacing spikes of known place and size."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.signals.beats import find_beats
from components.core.signals.pacing import paced

R_S = np.arange(0.4, 10, 0.8)


def with_spikes(x: np.ndarray, fs: float, times: np.ndarray, size: float) -> np.ndarray:
    out = x.copy()
    for time in times:
        at = round(time * fs)
        out[2:5, at : at + max(1, round(0.002 * fs))] += size
    return out


@pytest.mark.parametrize("fs", [250.0, 500.0, 1000.0])
@pytest.mark.parametrize("size", [0.5, -0.5, 2.0])
def test_spikes_before_the_beats_are_pacing(ecg, fs, size) -> None:
    clean = ecg(fs=fs)
    noise = np.random.default_rng(0).normal(0, 0.02, clean.shape)
    beats = find_beats(clean, fs)
    x = (clean + noise).astype(np.float32)
    assert paced(x, fs, beats) is False
    assert paced(with_spikes(x, fs, R_S - 0.06, size), fs, beats) is True


def test_spikes_must_keep_their_distance_and_number(ecg) -> None:
    x, beats = ecg(), find_beats(ecg(), 500.0)
    few = with_spikes(x, 500.0, R_S[:5] - 0.06, 1.0)
    assert paced(few, 500.0, beats) is False
    drawn = R_S - np.linspace(0.05, 0.39, len(R_S))
    assert paced(with_spikes(x, 500.0, drawn, 1.0), 500.0, beats) is False
    after = with_spikes(x, 500.0, R_S + 0.15, 1.0)
    assert paced(after, 500.0, beats) is False


def test_tall_and_narrow_complexes_are_no_spikes(ecg) -> None:
    x = 3 * ecg()
    assert paced(x.astype(np.float32), 500.0, find_beats(x, 500.0)) is False


def test_what_cannot_be_told(ecg) -> None:
    x = ecg(fs=200.0)
    assert paced(x, 200.0, find_beats(x, 200.0)) is None
    short = ecg()[:, :8]
    assert paced(short, 500.0, find_beats(short, 500.0)) is False
    still = with_spikes(np.zeros((8, 5000), np.float32), 500.0, R_S, 1.0)
    assert paced(still, 500.0, find_beats(np.zeros((8, 5000), np.float32), 500.0)) is False
