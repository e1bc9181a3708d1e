"""The filter keeps its promise at every ratio, and time stays where it was."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import RecordError
from components.core.signals import resample as module
from components.core.signals.resample import half_width, output_length, ratio, resample

RATIOS = [
    (1000, 500), (360, 500), (257, 500), (250, 500), (400, 500), (100, 500), (500, 250), (500, 360),
    (128, 500), (499.9, 500), (257.143, 500), (976.5625, 500),
]  # fmt: skip
# Samples at either end that see the continued signal; stated in the module.
EDGE = 60


def _tone(fs: float, frequency: float, *, seconds: float = 10.0, phase: float = 0.3) -> np.ndarray:
    time = np.arange(round(fs * seconds)) / fs
    return np.sin(2 * np.pi * frequency * time + phase).astype(np.float32)


@pytest.mark.parametrize(("fs_in", "fs_out"), RATIOS)
def test_the_pass_band_is_within_half_a_percent_and_without_delay(fs_in, fs_out) -> None:
    low = min(fs_in, fs_out)
    for share in (0.01, 0.1, 0.25, 0.4):
        out = resample(_tone(fs_in, share * low), fs_in, fs_out)
        time = np.arange(out.size) / fs_out
        expected = np.sin(2 * np.pi * share * low * time + 0.3)
        # A delay of a hundredth of a sample would show as 2.5 % at the upper edge.
        assert np.abs(out - expected)[EDGE:-EDGE].max() < 0.005


@pytest.mark.parametrize(
    ("fs_in", "fs_out"), [(1000, 500), (500, 250), (500, 360), (2000, 500), (976.5625, 500)]
)
def test_the_stop_band_is_60_db_down(fs_in, fs_out) -> None:
    for frequency in np.linspace(0.6 * fs_out, 0.49 * fs_in, 15):
        out = resample(_tone(fs_in, float(frequency)), fs_in, fs_out)
        assert np.abs(out)[EDGE:-EDGE].max() < 1e-3


UP = [each for each in RATIOS if each[0] < each[1]]


@pytest.mark.parametrize(("fs_in", "fs_out"), UP)
def test_images_are_60_db_down(fs_in, fs_out) -> None:
    for share in (0.05, 0.2, 0.3, 0.35, 0.4):
        frequency = share * fs_in
        out = resample(_tone(fs_in, frequency), fs_in, fs_out)[EDGE:-EDGE]
        time = (np.arange(out.size) + EDGE) / fs_out
        tone = 2 * np.pi * frequency * time
        basis = np.stack([np.sin(tone), np.cos(tone)]).T
        fitted, *_ = np.linalg.lstsq(basis, out, rcond=None)
        assert np.abs(out - basis @ fitted).max() < 1e-3
        assert np.hypot(*fitted) == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize(("fs_in", "fs_out"), RATIOS)
def test_an_ecg_sized_sum_of_tones_comes_out_as_the_same_tones(fs_in, fs_out) -> None:
    # The pass band filled at once: amplitudes as of an ECG's spectrum, falling with frequency.
    frequencies = np.array([0.01, 0.05, 0.12, 0.21, 0.33, 0.4]) * min(fs_in, fs_out)
    sizes = 1 / (1 + np.arange(frequencies.size))

    def analytic(fs: float, samples: int) -> np.ndarray:
        phase = 2 * np.pi * frequencies[:, None] * np.arange(samples) / fs
        return (sizes[:, None] * np.sin(phase + frequencies[:, None])).sum(axis=0)

    out = resample(analytic(fs_in, round(10 * fs_in)).astype(np.float32), fs_in, fs_out)
    error = np.abs(out - analytic(fs_out, out.size))[EDGE:-EDGE].max()
    assert error < 0.005 * sizes.sum()


@pytest.mark.parametrize(("fs_in", "fs_out"), RATIOS)
def test_constants_and_ramps_do_not_bend_at_the_edges(fs_in, fs_out) -> None:
    time = np.arange(round(fs_in * 2)) / fs_in
    rows = np.stack([np.full_like(time, 3.0), 1 + time]).astype(np.float32)
    out = resample(rows, fs_in, fs_out)
    np.testing.assert_allclose(out[0], 3.0, atol=1e-5)
    np.testing.assert_allclose(out[1], 1 + np.arange(out.shape[1]) / fs_out, atol=2e-4)


@given(
    st.sampled_from(RATIOS),
    st.integers(1, 700),
    st.lists(st.integers(1, 3), max_size=2),
)
def test_shape_type_and_finiteness(change, samples, leading) -> None:
    x = np.random.default_rng(samples).normal(size=(*leading, samples)).astype(np.float32)
    out = resample(x, *change)
    assert out.shape == (*leading, output_length(samples, *change))
    assert out.dtype == np.float32
    assert np.isfinite(out).all()


@pytest.mark.parametrize(("fs_in", "fs_out"), RATIOS[:9])
def test_both_engines_agree(fs_in, fs_out) -> None:
    x = np.random.default_rng(0).normal(size=(2, 900)).astype(np.float32)
    direct = module._direct(x, ratio(fs_in, fs_out))
    np.testing.assert_allclose(resample(x, fs_in, fs_out), direct, atol=2e-5)


def test_the_direct_engine_does_not_depend_on_its_chunks(monkeypatch) -> None:
    x = np.random.default_rng(0).normal(size=(2, 900)).astype(np.float32)
    whole = resample(x, 499.9, 500)
    monkeypatch.setattr(module, "_CHUNK", 100)
    np.testing.assert_array_equal(resample(x, 499.9, 500), whole)


def test_the_impulse_response_is_symmetric_and_as_long_as_stated() -> None:
    x = np.zeros(1001, np.float32)
    x[500] = 1
    out = resample(x, 1000, 500)
    np.testing.assert_allclose(out, out[::-1], atol=1e-7)
    assert np.flatnonzero(np.abs(out) > 1e-7)[0] >= 250 - half_width(1000, 500) / 2


def test_the_same_rate_changes_nothing_and_nonsense_is_refused() -> None:
    x = np.arange(5, dtype=np.float32)
    np.testing.assert_array_equal(resample(x, 500, 500), x)
    with pytest.raises(RecordError, match="sampling rate 0 Hz is outside"):
        resample(x, 0, 500)
    with pytest.raises(ValueError, match="no sample to resample"):
        resample(x[:0], 250, 500)


def test_decimal_rates_are_taken_as_written() -> None:
    assert ratio(976.5625, 500) == Fraction(64, 125)
    assert output_length(10, 499.9, 500) == 11
