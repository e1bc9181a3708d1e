"""The one path from a recording to what a model sees."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from components.core.errors import RecordError
from components.core.signals import filters
from components.core.signals import resample as rate
from components.core.signals.leads import LEADS8, LEADS12
from components.core.signals.prepare import prepare
from components.core.signals.prepare_config import PrepareConfig
from components.core.signals.quantise import quantise
from components.core.signals.resample import output_length, resample

CONFIG = PrepareConfig()


def test_a_plain_recording_passes_unchanged(make, walk) -> None:
    counts = walk()
    prepared = prepare(make(counts), CONFIG)
    np.testing.assert_array_equal(prepared.values, counts * np.float32(0.005))
    assert prepared.lead_mask.all()
    assert (prepared.start, prepared.stop) == (0, 5000)
    assert not any(prepared.flags.values())


def test_a_long_recording_gives_its_centre_a_short_one_zeros(make, walk) -> None:
    counts = walk(samples=6001)
    long = prepare(make(counts), CONFIG)
    np.testing.assert_array_equal(long.values, counts[:, 500:5500] * np.float32(0.005))
    assert long.flags["cropped"]
    short = prepare(make(counts[:, :3000]), CONFIG)
    assert (short.start, short.stop, short.flags["padded"]) == (1000, 4000, True)
    assert not short.values[:, :1000].any()
    assert not short.values[:, 4000:].any()


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([1000.0, 360.0, 257.0, 250.0, 400.0, 128.0, 499.9, 257.143]),
    st.integers(300, 9000),
)
def test_cutting_first_equals_resampling_everything(make, walk, fs, samples) -> None:
    config = PrepareConfig(length=400, min_duration_s=0)
    signal = make(walk(samples=samples), fs=fs)
    prepared = prepare(signal, config)
    whole = resample(signal.physical(), fs, 500)
    assert whole.shape[1] == output_length(samples, fs, 500)
    if whole.shape[1] >= 400:
        first = (whole.shape[1] - 400) // 2
        np.testing.assert_allclose(prepared.values, whole[:, first : first + 400], atol=2e-5)
    else:
        np.testing.assert_allclose(
            prepared.values[:, prepared.start : prepared.stop], whole, atol=2e-5
        )


def test_an_hour_costs_what_its_centre_costs(make, walk) -> None:
    hour = np.tile(walk(samples=5000), (1, 360)).astype(np.int16)
    prepared = prepare(make(hour, fs=360.0), CONFIG)
    assert prepared.values.shape == (8, 5000)
    assert prepared.flags == {
        **dict.fromkeys(prepared.flags, False),
        "resampled": True,
        "cropped": True,
    }


def test_missing_derived_flat_and_broken_leads_are_flagged(make, walk) -> None:
    rows = (walk(8) * 0.005).astype(np.float32)
    rows[3] = 0.7
    rows[4, 2500] = np.nan
    prepared = prepare(make(rows, ("II", "III", "V1", "V2", "V3", "V4", "V5", "aVR")), CONFIG)
    assert prepared.lead_mask.tolist() == [True, True, True, False, False, True, True, False]
    assert not prepared.values[~prepared.lead_mask].any()
    np.testing.assert_allclose(prepared.values[0], rows[0] - rows[1], atol=1e-6)
    flagged = {name for name, found in prepared.flags.items() if found}
    assert flagged == {"missing_lead", "derived_lead", "flat_lead", "non_finite_lead"}


def test_a_flat_lead_stays_flat_when_resampled(make, walk) -> None:
    counts = walk()
    counts[2] = 1234
    prepared = prepare(make(counts, fs=360.0), CONFIG)
    assert not prepared.lead_mask[2]
    assert not prepared.values[2].any()


@pytest.mark.parametrize(
    ("change", "code", "match"),
    [
        ({"values": np.zeros((8, 2499), np.int16)}, "too_short", r"lasts 5 s, less than 5 s"),
        ({"values": np.zeros((8, 13), np.int16)}, "too_short", "lasts 0.026 s, less than 5 s"),
        ({"values": np.zeros((8, 0), np.int16)}, "too_short", "lasts 0 s"),
        ({"values": np.zeros((8, 5000), np.int16)}, "no_ecg_leads", "every lead is constant"),
        ({"unit": "z"}, "wrong_unit", "is in z, the task wants mV"),
        ({"fs": 0.0}, "absurd_fs", "0 Hz is outside"),
        ({"lsb": np.full(8, 0.9)}, "implausible_amplitude", "median amplitude is"),
        ({"leads": ("I", "I", *LEADS8[2:])}, "duplicate_lead", "more than once: I"),
    ],
)
def test_what_is_wrong_is_named(make, walk, change, code, match) -> None:
    with pytest.raises(RecordError, match=match) as caught:
        prepare(dataclasses.replace(make(walk()), **change), CONFIG)
    assert caught.value.code == code


def test_half_a_window_is_enough(make, walk) -> None:
    assert prepare(make(walk(samples=2500)), CONFIG).flags["padded"]
    with pytest.raises(RecordError, match="less than 10 s"):
        prepare(make(walk(samples=2500)), PrepareConfig(min_duration_s=10))


def test_too_few_leads_names_those_found(make, walk) -> None:
    with pytest.raises(RecordError, match=r"2 of 8 leads .* leads found: II, V5; use") as caught:
        prepare(make(walk(2), ("II", "V5")), CONFIG)
    assert caught.value.code == "too_few_leads"
    with pytest.raises(RecordError, match="0 of 2 leads are there") as caught:
        prepare(make(walk(1), ("aVR",)), PrepareConfig(leads=("V1", "V2")))
    assert caught.value.code == "no_ecg_leads"
    assert prepare(make(walk(2), ("II", "V5")), PrepareConfig(min_leads=1)).lead_mask.sum() == 2


def test_missing_samples_in_most_leads_refuse_the_recording(make, walk) -> None:
    counts = walk()
    counts[:5, 100] = -32768
    with pytest.raises(RecordError, match="5 of 8 leads hold samples without a value"):
        prepare(make(counts, no_value=-32768), CONFIG)
    # A gap outside the window that is cut out does no harm.
    longer = np.concatenate([counts[:, :1000], walk(samples=9000)], axis=1)
    assert prepare(make(longer, no_value=-32768), CONFIG).lead_mask.all()


def test_standardised_recordings_are_a_task_of_their_own(make, walk) -> None:
    z = make(walk() * 10.0, unit="z")
    assert prepare(z, PrepareConfig(unit="z")).lead_mask.all()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"leads": ("I", "avf")}, "'avf' is no canonical lead; known are: I, II, III"),
        ({"leads": ("I", "I")}, "a lead is named twice"),
        ({"leads": ("I",), "min_leads": 2}, "min_leads 2 exceeds the 1 leads"),
        ({"fs": 0}, "greater than or equal to 50"),
        ({"hz": 500}, "Extra inputs are not permitted"),
    ],
)
def test_config_is_checked(options, match) -> None:
    with pytest.raises(ValidationError, match=match):
        PrepareConfig(**options)


@given(st.integers(-30000, 30000), st.sampled_from([0.001, 0.00488, 1 / 1716, 0.005]))
def test_device_counts_survive_quantising_to_the_bit(make, walk, baseline, lsb) -> None:
    counts = walk()
    prepared = prepare(make(counts, lsb=lsb, offset=-baseline * lsb), CONFIG)
    stored, scale = quantise(prepared)
    assert stored.dtype == np.int16
    np.testing.assert_array_equal(stored * scale[:, None], prepared.values)
    fits = np.abs(counts - baseline).max(axis=1) <= 32767
    np.testing.assert_array_equal(stored[fits], counts[fits] - baseline)
    assert (scale[fits] == np.float32(lsb)).all()


@pytest.mark.parametrize(("fs", "leads"), [(360.0, LEADS8), (500.0, ("II", "III", *LEADS12[6:]))])
def test_what_is_not_counts_any_more_is_scaled_to_its_peak(make, walk, fs, leads) -> None:
    prepared = prepare(make(walk(len(leads)), leads, fs=fs), CONFIG)
    stored, scale = quantise(prepared)
    assert np.abs(stored[0]).max() == 32767
    assert (np.abs(stored * scale[:, None] - prepared.values) <= 0.51 * scale[:, None]).all()


def test_a_fractional_baseline_has_no_whole_counts(make, walk) -> None:
    prepared = prepare(make(walk(), offset=0.0012), CONFIG)
    assert np.isnan(prepared.lsb).all()


def test_masked_leads_quantise_to_zero(make, walk) -> None:
    prepared = prepare(make(walk(6), LEADS8[:6]), CONFIG)
    stored, scale = quantise(prepared)
    assert not stored[6:].any()
    assert np.isfinite(scale).all()


def test_values_changed_after_prepare_are_not_rounded_off(make, walk) -> None:
    prepared = prepare(make(walk()), CONFIG)
    changed = dataclasses.replace(prepared, values=prepared.values * np.float32(0.77))
    with pytest.raises(ValueError, match="changed after prepare"):
        quantise(changed)


def test_filters_leave_no_counts_and_are_flagged(ecg, make) -> None:
    counts = np.rint(ecg() / 0.005).astype(np.int16)
    plain = prepare(make(counts), CONFIG)
    assert not plain.flags["filtered"]
    config = PrepareConfig(highpass_hz=0.5, notch_hz=50)
    prepared = prepare(make(counts), config)
    assert prepared.flags["filtered"]
    assert np.isnan(prepared.lsb).all()
    expected = filters.apply(plain.values, 500.0, highpass_hz=0.5, notch_hz=50)
    np.testing.assert_array_equal(prepared.values, expected)
    stored, scale = quantise(prepared)
    np.testing.assert_allclose(stored * scale[:, None], expected, atol=1e-4)


@pytest.mark.parametrize("fs", [360.0, 500.0])
def test_a_long_recording_is_filtered_beyond_its_window(make, walk, fs) -> None:
    drift = np.cumsum(np.random.default_rng(0).normal(0, 3, 30_000)).astype(np.int16)
    signal = make(walk(samples=30_000) + drift, fs=fs)
    whole = signal.physical()
    if fs != 500.0:
        whole = rate.resample(whole, fs, 500.0)
    filtered = filters.apply(whole, 500.0, highpass_hz=0.5, notch_hz=None)
    first = (whole.shape[1] - 5000) // 2
    prepared = prepare(signal, PrepareConfig(highpass_hz=0.5))
    gap = prepared.values - filtered[:, first : first + 5000]
    assert np.abs(gap).max() < 0.01 * np.ptp(filtered)
    assert prepared.quality.figures["wander"].min() > 1  # judged before the filter


def test_padding_stays_zero_behind_a_filter(ecg, make) -> None:
    prepared = prepare(make(ecg(seconds=6)), PrepareConfig(highpass_hz=0.05))
    assert (prepared.start, prepared.stop) == (1000, 4000)
    assert not prepared.values[:, :1000].any()
    assert not prepared.values[:, 4000:].any()


def test_a_calibration_pulse_is_cut_off(ecg, make) -> None:
    counts = np.rint(ecg() / 0.005).astype(np.int16)
    line = np.repeat(counts[:, -1:], 500, axis=1)
    line[:, 350:450] += 200
    signal = make(np.concatenate([counts, line], axis=1))
    prepared = prepare(signal, CONFIG)
    assert prepared.flags["calibration_pulse"]
    assert prepared.stop - prepared.start > 4800
    kept = prepared.values[:, prepared.start : prepared.stop]
    np.testing.assert_array_equal(kept, ecg_counts(counts)[:, : kept.shape[1]])
    assert not prepare(make(counts), CONFIG).flags["calibration_pulse"]


def ecg_counts(counts: np.ndarray) -> np.ndarray:
    return counts.astype(np.float32) * np.float32(0.005)


def test_quality_is_that_of_the_window(ecg, make) -> None:
    x = ecg(seconds=30)
    hum = (0.5 * np.sin(2 * np.pi * 50 * np.arange(15_000) / 500)).astype(np.float32)
    x[:, :5000] += hum[:5000]
    assert not prepare(make(x), CONFIG).quality.flags["mains"]
    x[:, 5000:10_000] += hum[:5000]
    assert prepare(make(x), CONFIG).quality.flags["mains"]
    assert prepare(make(x, fs=512.0), CONFIG).quality.score < 0.2


def test_quality_has_the_rows_of_the_output(ecg, make) -> None:
    wanted = ("V6", "II", "aVF")
    prepared = prepare(make(ecg()), PrepareConfig(leads=wanted))
    assert prepared.quality.leads == wanted
    assert prepared.quality.lead_scores.shape == (3,)
