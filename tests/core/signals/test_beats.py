"""Beats: found where they are, against another detector too."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.signals.beats import AFTER_S, BEFORE_S, find_beats


@pytest.mark.parametrize("fs", [250.0, 360.0, 500.0])
def test_beats_are_where_they_were_put(ecg, fs) -> None:
    noise = np.random.default_rng(0).normal(0, 0.03, (8, round(10 * fs)))
    beats = find_beats((ecg(fs=fs) + noise).astype(np.float32), fs)
    expected = np.arange(0.4, 10, 0.8)
    assert np.abs(beats.at / fs - expected).max() < 0.03  # the S wave pulls the middle back
    whole = ((expected > BEFORE_S) & (expected < 10 - AFTER_S)).sum()
    assert beats.each.shape == (8, whole, round(BEFORE_S * fs) + round(AFTER_S * fs))


# wfdb's import calls what pandas is about to drop.
@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_another_detector_finds_the_same(ecg) -> None:
    from wfdb.processing import xqrs_detect

    x = ecg(every=0.63) + np.random.default_rng(1).normal(0, 0.05, (8, 5000))
    ours = find_beats(x.astype(np.float32), 500.0).at
    peer = xqrs_detect(x[1], 500, verbose=False)
    assert len(ours) >= len(peer) >= 13  # xqrs lets the last beat go
    assert np.abs(ours[:, None] - peer[None]).min(axis=0).max() < 25


def test_a_silent_and_a_noisy_lead_do_not_decide(ecg) -> None:
    x = ecg()
    x[3] = 0
    x[5] = np.random.default_rng(2).normal(0, 5, 5000)
    assert len(find_beats(x, 500.0).at) == 12


def test_the_median_beat_is_the_beat(ecg) -> None:
    beats = find_beats(ecg(), 500.0)
    r = beats.median[4, beats.part(-0.05, 0.05)].max()
    assert r == pytest.approx(0.8, abs=0.02)
    assert beats.part(-BEFORE_S, AFTER_S) == slice(0, beats.median.shape[1])


@pytest.mark.parametrize("samples", [1, 20, 400])
def test_too_short_for_a_median(samples) -> None:
    beats = find_beats(np.ones((8, samples), np.float32), 250.0)
    assert len(beats.at) == 0
    assert np.isnan(beats.median).all()


def test_of_two_peaks_too_near_the_higher_counts(ecg) -> None:
    x = ecg(every=1.6)
    late = np.roll(x, 60, axis=1)  # 0.12 s after, within the refractory time
    beats = find_beats((x + 0.6 * late).astype(np.float32), 500.0)
    assert len(beats.at) == 6


def test_an_absurd_amplitude_overflows_nothing(ecg) -> None:
    beats = find_beats((ecg() * 1e30).astype(np.float32), 500.0)
    assert beats.at.tolist() == find_beats(ecg(), 500.0).at.tolist()
