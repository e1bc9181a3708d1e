"""Bands of a spectrum: what is in them stays as it is, the rest goes."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.signals.spectrum import band, bins, spectrum

FS, SAMPLES = 250.0, 2500


def _tone(hz: float) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(SAMPLES) / FS).astype(np.float32)[None]


@pytest.mark.parametrize(("hz", "kept"), [(7.9, 0), (8.0, 1), (20.0, 1), (30.0, 1), (30.1, 0)])
def test_tones_in_the_band_stay(hz, kept) -> None:
    found = band(_tone(hz), bins(SAMPLES, FS, (8.0, 30.0)))
    np.testing.assert_allclose(found, kept * _tone(hz), atol=1e-4)
    assert found.dtype == np.float32


@pytest.mark.parametrize(("hz", "kept"), [(49.0, 1), (49.4, 0), (50.6, 0), (50.7, 1), (60.0, 1)])
def test_a_line_is_left_out_with_its_half_width(hz, kept) -> None:
    parts = bins(SAMPLES, FS, (40.0, 100.0), ((50.0, 0.65),))
    np.testing.assert_allclose(band(_tone(hz), parts), kept * _tone(hz), atol=1e-4)


def test_a_spectrum_that_is_there_already_is_taken_and_left_alone() -> None:
    x = _tone(10.0) + _tone(60.0)
    whole, parts = spectrum(x), bins(SAMPLES, FS, (8.0, 30.0))
    before = whole.copy()
    np.testing.assert_array_equal(band(x, parts, of=whole), band(x, parts))
    np.testing.assert_array_equal(whole, before)


def test_a_band_beyond_the_rate_holds_nothing() -> None:
    assert bins(100, 50.0, (40.0, 100.0)) == ()
    assert not band(np.ones((2, 100), np.float32), ()).any()
