"""Quality follows the noise that was really added."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.ingest.synthetic.ecg import Disturbance, draw_heart, synthesise
from components.ingest.synthetic.nuisance import Nuisance
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.surveillance import quality

CLEAN, RHYTHM = synthesise(
    draw_heart(np.zeros(5), age=55, female=True, bmi=27, rng=stream(1, "heart")),
    Disturbance(),
    fs=500,
    rng=stream(1, "ecg"),
)


def graded(rates: quality.Rates, nuisance: Nuisance | None = None, seed: int = 1) -> quality.Graded:
    own = nuisance or Nuisance(noise=1.0)
    return quality.record(
        CLEAN, own, rhythm=RHYTHM, site="A", fs=500, rng=stream(seed, "noise"), rates=rates
    )[1]


def test_ratio_of_white_noise_is_that_of_the_powers() -> None:
    heart = np.tile(np.sin(2 * np.pi * 5 * np.arange(5000) / 500), (8, 1)).astype(np.float32)
    noise = 0.1 * stream(1, "white").standard_normal(heart.shape).astype(np.float32)
    expected = 10 * np.log10(0.5 / 0.01)
    assert quality.snr_db(heart, heart + noise, lost=[]) == pytest.approx(expected, abs=0.1)
    # Two lost leads of eight count with -10 dB.
    lost = quality.snr_db(heart, heart + noise, lost=[2, 3])
    assert lost == pytest.approx((6 * expected - 20) / 8, abs=0.1)


def test_slow_wander_does_not_count() -> None:
    wander = np.sin(2 * np.pi * 0.2 * np.arange(5000) / 500).astype(np.float32)
    assert quality.snr_db(CLEAN, CLEAN + wander, lost=[]) == 25.0


def test_an_undisturbed_recording_has_the_highest_ratio() -> None:
    found = graded(quality.NONE, Nuisance())
    assert (found.snr_db, found.true, found.annotated) == (25.0, "acceptable", "acceptable")
    assert found.poor == ()


def test_exchanged_arms_and_spikes_are_no_noise() -> None:
    reversed_arms = Nuisance(arm_reversal=True, disturbance=Disturbance(pacing=True))
    assert graded(quality.NONE, reversed_arms).snr_db == 25.0


@pytest.mark.parametrize("name", ["strong_muscle", "strong_motion", "lost_electrodes"])
def test_poor_recordings_lose_their_ratio(name: str) -> None:
    field = name.removeprefix("strong_")
    rates = replace(quality.NONE, **{field: 1.0})
    found = [graded(rates, seed=seed) for seed in range(12)]
    assert all(each.poor == (name,) for each in found)
    assert np.mean([each.snr_db for each in found]) < graded(quality.NONE).snr_db - 8
    assert any(each.true == "unacceptable" for each in found)


def test_the_annotator_errs_as_asked() -> None:
    always = replace(quality.NONE, annotator_error=1.0)
    found = graded(always)
    assert (found.true, found.annotated) == ("acceptable", "unacceptable")


def test_missing_and_flat_leads_are_lost() -> None:
    whole = graded(quality.NONE).snr_db
    for fault in (Nuisance(noise=1.0, flat_lead=3), Nuisance(noise=1.0, missing_lead=3)):
        assert graded(quality.NONE, fault).snr_db < whole - 3
