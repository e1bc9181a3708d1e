"""Waves where they were put, in sickness too; no segments where there is no beat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.core.attribution.groups import SEGMENTS
from components.core.signals.delineate import Delineation, delineate, painted, segments
from components.ingest.synthetic.ecg import Disturbance, Heart, draw_heart, synthesise
from components.ingest.synthetic.vcg import SEGMENTS as PLANTED
from components.ingest.synthetic.vcg import Morphology, beat

P, QRS, ST, T, REST = range(len(SEGMENTS))
# s from the R peak: the feet of the fixture's Gaussians, where 2 to 2.5 SD are left.
FEET = {"P": (-0.21, -0.11), "QRS": (-0.025, 0.055), "T": (0.16, 0.38)}


def heart(seed: int, rate: float | None = None) -> Heart:
    rng = np.random.default_rng(seed)
    drawn = draw_heart(np.zeros(5), age=60, female=True, bmi=26, rng=rng)
    return drawn if rate is None else replace(drawn, rate=rate)


def drawn(
    seed: int, *, fs: int = 500, rate: float | None = None, **kind: bool | int
) -> tuple[np.ndarray, np.ndarray]:
    """Return a cohort patient's leads with a good device's noise, and the R peaks in s."""
    rng = np.random.default_rng(seed)
    x, rhythm = synthesise(heart(seed, rate), Disturbance(**kind), fs=fs, rng=rng)
    noise = rng.normal(0, 0.01, x.shape)
    times = rhythm.r_times[(rhythm.r_times > 0.1) & (rhythm.r_times < 9.9)]
    return (x + noise).astype(np.float32), times


@pytest.mark.parametrize("fs", [100.0, 250.0, 360.0, 500.0, 1000.0])
def test_waves_are_where_they_were_put(ecg, fs) -> None:
    x = ecg(fs=fs) + np.random.default_rng(0).normal(0, 0.01, (8, round(10 * fs)))
    found = delineate(x.astype(np.float32), fs)
    peaks = np.arange(0.4, 10, 0.8)
    assert len(found.at) == len(peaks)
    assert found.leads.shape == (8, len(peaks), 3, 2)
    for wave, feet in enumerate(FEET.values()):
        # Without the last beat, whose T wave is cut off.
        error = found.record[:-1, wave] / fs - (peaks[:-1, None] + feet)
        assert np.abs(np.median(error, axis=0)).max() < 0.025
        assert np.abs(error - np.median(error, axis=0)).max() < 0.06


def test_every_sample_has_its_segment(ecg) -> None:
    found = segments(ecg(), 500.0)
    assert (found.dtype, found.shape) == (np.int8, (5000,))
    expected = {-0.16: P, -0.07: REST, 0: QRS, 0.03: QRS, 0.11: ST, 0.27: T, 0.45: REST}
    for peak in np.arange(0.4, 9, 0.8):
        assert {s: found[round((peak + s) * 500)] for s in expected} == expected


def test_amplitude_does_not_matter(ecg) -> None:
    x = ecg() + np.random.default_rng(0).normal(0, 0.01, (8, 5000))
    usual = segments(x.astype(np.float32), 500.0)
    for factor in (1e-3, 200.0):
        found = segments((factor * x).astype(np.float32), 500.0)
        assert (found != usual).mean() < 0.005


def test_nothing_is_found_in_padding_and_the_rest_stays(ecg) -> None:
    x = ecg()
    wide = np.zeros((8, 7000), np.float32)
    wide[:, 1200:6200] = x
    found = segments(wide, 500.0, valid=(1200, 6200))
    assert (found[:1200] == REST).all()
    assert (found[6200:] == REST).all()
    np.testing.assert_array_equal(found[1200:6200], segments(x, 500.0))


def test_missing_and_flat_leads_have_no_say(ecg) -> None:
    x = ecg()
    usual = delineate(x, 500.0)
    # A lead that is masked is not looked at, whatever it holds.
    wild = np.concatenate([x, np.random.default_rng(0).normal(0, 5, (1, 5000))]).astype(np.float32)
    mask = np.array([True] * 8 + [False])
    masked = delineate(wild, 500.0, lead_mask=mask)
    np.testing.assert_array_equal(masked.record, usual.record)
    assert np.isnan(masked.leads[8]).all()
    wild[8] = 0.3
    flat = delineate(wild, 500.0)
    np.testing.assert_array_equal(flat.record, usual.record)
    assert np.isnan(flat.leads[8]).all()
    np.testing.assert_array_equal(flat.leads[:8], usual.leads)


def test_one_lead_is_enough(ecg) -> None:
    found = delineate(ecg()[1:2], 500.0)
    assert len(found.at) == 12
    np.testing.assert_array_equal(found.record[:, [0, 2]], found.leads[0][:, [0, 2]])


def test_all_leads_missing(ecg) -> None:
    assert (segments(ecg(), 500.0, lead_mask=np.zeros(8, np.bool_)) == -1).all()


@pytest.mark.parametrize("samples", [0, 1, 2, 5, 30, 300, 900])
def test_too_short_for_three_beats(ecg, samples) -> None:
    x = ecg()[:, :samples]
    np.testing.assert_array_equal(segments(x, 500.0), np.full(samples, -1))
    empty = delineate(x, 500.0)
    assert (empty.record.shape, empty.leads.shape) == ((0, 3, 2), (8, 0, 3, 2))


def test_three_beats_are_enough(ecg) -> None:
    assert set(segments(ecg()[:, :1300], 500.0)) == {P, QRS, ST, T, REST}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["white", "walk", "one source", "flat"])
def test_noise_is_no_heart(kind, seed) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(8, 2500))
    shapes = {
        "white": x,
        "walk": np.cumsum(x, axis=1),
        "one source": rng.normal(size=(8, 1)) * x[:1],
        "flat": np.ones_like(x),
    }
    assert (segments(shapes[kind].astype(np.float32), 250.0) == -1).all()


@pytest.mark.parametrize("seed", range(4))
def test_fibrillation_has_no_p_wave(seed) -> None:
    found = delineate(drawn(seed, fibrillation=True)[0], 500.0)
    assert np.isnan(found.record[:, 0]).all()
    assert not np.isnan(found.record[:, 1:]).any()
    # Of a lead something is told: that it is no P wave shows by its distance alone.
    assert not np.isnan(found.leads[:, :, 0]).all()
    assert P not in segments(drawn(seed, fibrillation=True)[0], 500.0)


def planted(form: Morphology, rr: float) -> np.ndarray:
    """Return `[3, 2]` the feet of P, QRS and T in s from R, 2 SD from their outer Gaussians."""
    kernels = beat(form, rr=rr)
    waves = [kernels.wave == PLANTED.index(name) for name in ("P", "QRS", "T")]
    return np.array(
        [
            [
                (kernels.centre - 2 * kernels.width)[wave].min(),
                (kernels.centre + 2 * kernels.width)[wave].max(),
            ]
            for wave in waves
        ]
    )


@pytest.mark.parametrize("rate", [45.0, 75.0, 100.0, 120.0])
@pytest.mark.parametrize("fs", [100, 250, 500])
def test_cohort_patients_at_all_rates(rate, fs) -> None:
    x, times = drawn(3, rate=rate, fs=fs)
    found = delineate(x, float(fs))
    apart = np.abs(found.at[:, None] / fs - times)
    assert apart.min(axis=0).max() < 0.04
    inside = (found.at > 0.2 * fs) & (found.at < 9.7 * fs)
    assert apart.min(axis=1)[inside].max() < 0.04
    nearest = times[apart.argmin(axis=1)][inside]
    feet = found.record[inside] / fs - nearest[:, None, None]
    error = np.median(feet, axis=0) - planted(heart(3).form, 60 / rate)
    assert np.abs(error).max() < 0.04


def test_ectopic_beats_do_not_hinder() -> None:
    x, times = drawn(5, ectopics=3)
    found = delineate(x, 500.0)
    assert np.abs(found.at[:, None] / 500 - times).min(axis=0).max() < 0.06
    assert not np.isnan(found.record).any()


def test_wide_paced_complexes() -> None:
    """Complexes of 0.15 s behind a pulse, without P waves, T against the complex."""
    time = np.arange(5000) / 500
    rng = np.random.default_rng(0)
    x = np.zeros((8, 5000))
    for peak in np.arange(0.5, 10, 0.85):
        near = time - peak
        rise = np.exp(-((near / 0.03) ** 2) / 2) - 0.4 * np.exp(-(((near - 0.06) / 0.03) ** 2) / 2)
        pulse = 2.0 * (np.abs(near + 0.07) < 0.001)
        x += np.linspace(-1, 1, 8)[:, None] * (
            rise + pulse - 0.3 * np.exp(-(((near - 0.3) / 0.05) ** 2) / 2)
        )
    found = delineate((x + rng.normal(0, 0.005, x.shape)).astype(np.float32), 500.0)
    assert len(found.at) == 12
    assert np.nanmedian(found.record[:, 1, 1] - found.record[:, 1, 0]) / 500 > 0.1


def test_overlapping_waves_and_absent_ones() -> None:
    nan = np.nan
    record = np.array(
        [
            [[10, 22], [20, 30], [28, 60]],  # P runs into QRS, T begins within it: no ST
            [[55, 65], [70, 80], [90, 99.6]],  # P within the T wave before
            [[nan, nan], [120, 130], [nan, nan]],  # QRS alone: no ST without T
        ]
    )
    found = Delineation(at=np.array([25, 75, 125]), record=record, leads=record[None])
    spans = {P: [(10, 20), (55, 65)], QRS: [(20, 30), (70, 80), (120, 130)],
             ST: [(80, 90)], T: [(30, 55), (90, 100)]}  # fmt: skip
    expected = np.full(150, REST)
    for segment, where in spans.items():
        for start, stop in where:
            expected[start:stop] = segment
    np.testing.assert_array_equal(painted(found, 150), expected)
