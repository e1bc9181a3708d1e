"""Recordings made strange, each against what it claims to be, by numpy and scipy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import signal as sps

from components.core.signals.leads import LEADS8, LEADS12
from components.evaluate.robustness import strange
from components.evaluate.robustness.heart_sound import heart_sound
from components.evaluate.robustness.noise import record_rms
from components.evaluate.robustness.recordings import Recordings
from tests.evaluate.robustness.test_kinds import FS, recordings, setup


def made(key: str, given: Recordings, leads: tuple[str, ...] = LEADS8, **changed) -> Recordings:
    found = {c.key: c for c in strange.conditions(setup(leads=leads, **changed))}
    change = found[key].change
    assert change is not None
    return change(given)


def peak_hz(values: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(values - values.mean()))
    return float(np.fft.rfftfreq(values.size, 1 / FS)[power.argmax()])


def test_every_strangeness_of_eight_leads_is_there_and_others_need_their_leads() -> None:
    keys = [c.key for c in strange.conditions(setup())]
    assert keys == [
        "double_speed", "half_speed", "flat_2", "flat_4", "swapped_V1_V6", "swapped_I_II", "arms",
        "heart_sound", "white_noise",
    ]  # fmt: skip
    few = [c.key for c in strange.conditions(setup(leads=("II", "V1")))]
    assert few == ["double_speed", "half_speed", "heart_sound", "white_noise"]


@pytest.mark.parametrize("padded", [False, True])
def test_a_wrong_rate_moves_every_frequency(padded: bool) -> None:
    given = recordings(padded=padded)
    fast, slow = made("double_speed", given), made("half_speed", given)
    for record, (start, stop) in enumerate(given.valid.tolist()):
        own = slice(start, stop)
        assert peak_hz(given.values[record, 0, own]) == pytest.approx(7, abs=0.3)
        assert peak_hz(fast.values[record, 0, own]) == pytest.approx(14, abs=0.6)
        assert peak_hz(slow.values[record, 0, own]) == pytest.approx(3.5, abs=0.3)
        assert not fast.values[record, :, :start].any()
        assert not slow.values[record, :, stop:].any()
    np.testing.assert_array_equal(fast.lead_mask, given.lead_mask)
    middle = 700
    own = sps.resample_poly(given.values[0, 0, : 2 * middle], 2, 1)
    np.testing.assert_allclose(
        made("half_speed", given).values[2, 0, 200:middle],
        sps.resample_poly(given.values[2, 0].astype(float), 2, 1)[200:middle],
        atol=0.01,
    )
    assert own.size  # the padded record is judged between its own ends above


def test_nothing_recorded_stays_nothing() -> None:
    given = recordings()
    empty = replace(given, valid=np.zeros_like(given.valid), values=np.zeros_like(given.values))
    assert not made("double_speed", empty).values.any()


def test_flat_leads_are_masked_and_four_hold_the_two() -> None:
    given = recordings(size=6)
    two, four = made("flat_2", given), made("flat_4", given)
    assert (two.lead_mask[1:].sum(axis=1) == 6).all()
    assert (four.lead_mask[1:].sum(axis=1) == 4).all()
    assert not (four.lead_mask & ~two.lead_mask).any()
    assert not two.values[~two.lead_mask].any()
    np.testing.assert_array_equal(two.values[two.lead_mask], given.values[two.lead_mask])
    assert len({tuple(row) for row in two.lead_mask[1:].tolist()}) > 1
    single = replace(given, ids=given.ids[3:4], values=given.values[3:4],
                     lead_mask=given.lead_mask[3:4], valid=given.valid[3:4])  # fmt: skip
    np.testing.assert_array_equal(made("flat_2", single).lead_mask[0], two.lead_mask[3])


def test_exchanged_leads_stand_in_each_others_place_with_their_masks() -> None:
    given = recordings()
    found = made("swapped_V1_V6", given)
    np.testing.assert_array_equal(found.values[:, 2], given.values[:, 7])
    np.testing.assert_array_equal(found.values[:, 7], given.values[:, 2])
    np.testing.assert_array_equal(found.values[:, [0, 1, 3]], given.values[:, [0, 1, 3]])
    masked = replace(given, lead_mask=given.lead_mask & (np.arange(8) != 7))
    assert not made("swapped_V1_V6", masked).lead_mask[:, 2].any()
    assert made("swapped_V1_V6", masked).lead_mask[:, 7].all()


def electrodes(arms: tuple[int, int]) -> np.ndarray:
    """Return twelve leads from potentials of right arm, left arm, leg and chest electrodes."""
    rng = np.random.default_rng(1)
    arm, leg = rng.normal(size=(2, 500)), rng.normal(size=500)
    chest = rng.normal(size=(6, 500))
    right, left = arm[arms[0]], arm[arms[1]]
    centre = (right + left + leg) / 3
    limb = [left - right, leg - right, leg - left]
    augmented = [right - (left + leg) / 2, left - (right + leg) / 2, leg - (right + left) / 2]
    return np.stack([*limb, *augmented, *(chest - centre)]).astype(np.float32)


@pytest.mark.parametrize("leads", [LEADS12, LEADS8])
def test_exchanged_arms_are_those_of_exchanged_electrodes(leads: tuple[str, ...]) -> None:
    rows = [LEADS12.index(lead) for lead in leads]
    right, wrong = electrodes((0, 1))[rows], electrodes((1, 0))[rows]
    given = recordings(size=1, length=500)
    own = replace(given, values=right[None], lead_mask=np.ones((1, len(leads)), np.bool_))
    np.testing.assert_allclose(made("arms", own, leads).values[0], wrong, atol=1e-5)


def test_exchanged_arms_need_both_leads() -> None:
    given = recordings(size=1)
    given = replace(given, lead_mask=np.arange(8)[None] != 1)
    found = made("arms", given)
    assert found.lead_mask[0].tolist() == [True, False] + [True] * 6
    np.testing.assert_array_equal(found.values[0, 0], -given.values[0, 0])


@pytest.mark.parametrize("key", ["heart_sound", "white_noise"])
def test_what_is_no_ecg_has_the_records_own_amplitude(key: str) -> None:
    given = recordings(padded=True)
    found = made(key, given)
    np.testing.assert_allclose(record_rms(found), record_rms(given), rtol=0.1)
    assert not found.values[~found.real()].any()
    again = made(key, given)
    np.testing.assert_array_equal(found.values, again.values)
    assert np.abs(made(key, given, seed=1).values - found.values).max() > 0.1
    first, second = found.values[2, 0], found.values[2, 1]
    same = np.corrcoef(first, second)[0, 1]
    assert same == pytest.approx(1.0 if key == "heart_sound" else 0.0, abs=0.1)


def test_white_noise_has_equal_power_everywhere() -> None:
    found = made("white_noise", recordings(length=5000)).values[1]
    power = (np.abs(np.fft.rfft(found, axis=1)) ** 2).mean(axis=0)
    low, high = power[10:600].mean(), power[1800:2400].mean()
    assert low == pytest.approx(high, rel=0.2)


def test_a_heart_sound_beats_at_rest_and_sounds_low() -> None:
    rng = np.random.default_rng(3)
    fs, seconds = 500, 30
    sound = heart_sound(rng, fs * seconds, fs=fs)
    power = np.abs(np.fft.rfft(sound)) ** 2
    hertz = np.fft.rfftfreq(sound.size, 1 / fs)
    assert power[(hertz > 20) & (hertz < 100)].sum() > 0.8 * power.sum()
    envelope = np.convolve(np.abs(sound), np.ones(25) / 25, "same")
    peaks, _ = sps.find_peaks(envelope, height=0.05, distance=fs // 10)
    # Two sounds a beat at 55 to 100 beats a minute.
    assert 2 * 55 * seconds / 60 - 3 <= peaks.size <= 2 * 100 * seconds / 60 + 3
    gaps = np.diff(peaks) / fs
    assert gaps[::2].mean() != pytest.approx(gaps[1::2].mean(), rel=0.05)


def test_a_slow_rate_leaves_out_the_tones_that_it_cannot_hold() -> None:
    sound = heart_sound(np.random.default_rng(0), 1000, fs=100)
    power = np.abs(np.fft.rfft(sound)) ** 2
    hertz = np.fft.rfftfreq(1000, 1 / 100)
    assert power[(hertz > 22) & (hertz < 28)].sum() < power[(hertz > 32) & (hertz < 38)].sum()
