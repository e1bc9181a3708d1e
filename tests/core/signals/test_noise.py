"""Noise figures against noise of known size."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.signals import noise
from components.core.signals.beats import find_beats

TIME = np.arange(2500) / 250


@pytest.fixture
def clean(ecg) -> np.ndarray:
    return ecg(fs=250.0)


@pytest.mark.parametrize("hz", [49.8, 50.0, 60.0, 60.2])
def test_hum_is_told_from_the_ecg(clean, hz) -> None:
    assert noise.mains(clean, 250.0).max() < 0.005
    x = clean.copy()
    x[2] += (0.1 * np.sin(2 * np.pi * hz * TIME)).astype(np.float32)
    found = noise.mains(x, 250.0)
    assert found[2] == pytest.approx(0.1 / np.sqrt(2), rel=0.05)
    assert np.delete(found, 2).max() < 0.005


def test_a_neighbouring_frequency_is_no_hum(clean) -> None:
    x = (clean + 0.1 * np.sin(2 * np.pi * 45 * TIME)).astype(np.float32)
    assert noise.mains(x, 250.0).max() < 0.02


def test_muscle_noise_is_the_power_of_its_band(clean) -> None:
    assert noise.muscle(clean, 250.0).max() < 0.005
    white = np.random.default_rng(0).normal(0, 0.1, clean.shape)
    # White noise has 60 of its 125 Hz in the band, less 4 x 0.6 Hz that are kept for hum; the
    # median of the windows lies some 7 % below their mean, the worst column above.
    expected = 0.1 * np.sqrt((60 - 2.4) / 125)
    found = noise.muscle((clean + white).astype(np.float32), 250.0)
    assert found == pytest.approx(np.full(8, expected), rel=0.15)


def test_a_burst_counts_as_its_column(clean) -> None:
    x = clean.copy()
    x[1, 1250:1875] += np.random.default_rng(0).normal(0, 0.1, 625).astype(np.float32)
    assert noise.muscle(x, 250.0)[1] > 0.05
    assert noise.muscle(x[:, :1250], 250.0)[1] < 0.005


def test_hum_is_no_muscle_noise(clean) -> None:
    x = (clean + 0.1 * np.sin(2 * np.pi * 50 * TIME)).astype(np.float32)
    assert noise.muscle(x, 250.0).max() < 0.01


def test_wander_is_the_baselines_range(clean) -> None:
    slow = 0.6 * np.sin(2 * np.pi * 0.15 * TIME)
    found = noise.wander((clean + slow).astype(np.float32), 250.0)
    # A moving average over 1 s leaves sin(pi f) / (pi f) of a frequency f.
    assert found == pytest.approx(1.2 * np.sinc(0.15) + noise.wander(clean, 250.0) / 2, abs=0.08)
    assert noise.wander(clean + np.float32(4), 250.0).max() < 0.15


@pytest.mark.parametrize("figure", [noise.mains, noise.muscle, noise.wander])
def test_a_short_strip_has_no_figure(clean, figure) -> None:
    assert np.isnan(figure(clean[:, :249], 250.0)).all()
    assert np.isfinite(figure(clean[:, :250], 250.0)).all()


@pytest.mark.parametrize("figure", [noise.mains, noise.muscle])
def test_a_low_rate_has_no_figure(clean, figure) -> None:
    assert np.isnan(figure(clean, 199.0)).all()


def test_beats_agree_unless_something_moves(clean) -> None:
    assert noise.agreement(find_beats(clean, 250.0)).min() > 0.99
    x = clean.copy()
    x[0] = np.random.default_rng(0).normal(0, 1, 2500)
    x[1] = 0
    found = noise.agreement(find_beats(x, 250.0))
    assert found[0] < 0.5
    assert found[1] == 0
    assert np.isnan(noise.agreement(find_beats(clean[:, :400], 250.0))).all()
