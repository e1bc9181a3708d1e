"""Pacing spikes of known place and size."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.signals.beats import find_beats
from components.core.signals.pacing import paced, spikes, without

R_S = np.arange(0.4, 10, 0.8)


def judged(x: np.ndarray, fs: float) -> bool | None:
    at = spikes(x, fs)
    return paced(without(x, at, fs), at, fs)


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
    x = (clean + noise).astype(np.float32)
    assert judged(x, fs) is False
    assert judged(with_spikes(x, fs, R_S - 0.06, size), fs) is True


def test_three_spikes_must_capture(ecg) -> None:
    x = ecg()
    assert judged(with_spikes(x, 500.0, R_S[:2] - 0.06, 1.0), 500.0) is False
    assert judged(with_spikes(x, 500.0, R_S[:3] - 0.06, 1.0), 500.0) is True
    anywhere = R_S - np.random.default_rng(0).uniform(0.05, 0.6, len(R_S))
    assert judged(with_spikes(x, 500.0, anywhere, 1.0), 500.0) is False


def test_atrium_and_ventricle(ecg) -> None:
    x = ecg(every=1.0)
    both = np.sort(np.concatenate([np.arange(0.4, 10) - 0.2, np.arange(0.4, 10) - 0.05]))
    assert judged(with_spikes(x, 500.0, both, 1.0), 500.0) is True


def test_tall_and_narrow_complexes_are_no_spikes(ecg) -> None:
    x = 3 * ecg()
    assert judged(x.astype(np.float32), 500.0) is False


def test_what_cannot_be_told(ecg) -> None:
    x = ecg(fs=200.0)
    assert judged(x, 200.0) is None
    short = ecg()[:, :8]
    assert judged(short, 500.0) is False


def test_spikes_in_every_lead_are_no_beats(ecg) -> None:
    x = ecg()
    for time in R_S - 0.06:
        x[:, round(time * 500)] += 2.5
    at = spikes(x, 500.0)
    assert np.abs(at / 500 - (R_S - 0.06)).max() < 0.002
    smooth = without(x, at, 500.0)
    assert np.abs(smooth - ecg()).max() < 0.05
    assert np.abs(find_beats(smooth, 500.0).at / 500 - R_S).max() < 0.03
    assert judged(x, 500.0) is True
    assert without(smooth, at[:0], 500.0) is smooth


def test_noise_that_spikes_all_over_is_no_pacing(ecg) -> None:
    x = with_spikes(ecg(), 500.0, np.arange(0.1, 9.9, 0.06), 1.5)
    assert len(spikes(x, 500.0)) > 100
    assert judged(x, 500.0) is False


def test_nothing_but_spikes_is_left_as_it_is() -> None:
    x = np.random.default_rng(0).normal(size=(2, 100)).astype(np.float32)
    assert without(x, np.arange(100), 500.0) is x
