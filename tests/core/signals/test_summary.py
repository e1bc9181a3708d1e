"""Features against plain NumPy and against signals whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from components.core.signals.summary import PER_LEAD, feature_names, summarise

FS = 500.0


def _column(out: np.ndarray, name: str, leads=("I", "II")) -> np.ndarray:
    return out[:, feature_names(leads).index(name)]


def _beats(rate: float, seconds: float = 10.0, fs: float = FS) -> np.ndarray:
    time = np.arange(round(seconds * fs)) / fs
    phase = np.mod(time, 60 / rate)
    qrs = np.exp(-(((phase - 0.2) / 0.012) ** 2))
    return qrs + 0.25 * np.exp(-(((phase - 0.45) / 0.05) ** 2))


def test_names_match_the_columns() -> None:
    assert summarise(np.zeros((2, 8, 500)), FS).shape == (2, len(feature_names()))
    assert len(feature_names()) == 8 * len(PER_LEAD) + 1


def test_moments_and_slopes_are_numpys() -> None:
    x = np.random.default_rng(0).gamma(2.0, size=(3, 2, 1000)).astype(np.float32)
    out = summarise(x, FS)
    slope = np.abs(np.diff(x, axis=2)) * FS
    for name, expected in {
        "sd": x.std(axis=2),
        "peak_to_peak": np.ptp(x, axis=2),
        "skewness": stats.skew(x, axis=2),
        "mean_slope": slope.mean(axis=2),
        "peak_slope": slope.max(axis=2),
    }.items():
        np.testing.assert_allclose(_column(out, f"II_{name}"), expected[:, 1], rtol=1e-3)


@pytest.mark.parametrize(
    ("frequency", "band"), [(2, "0.5_5"), (7, "5_10"), (15, "10_20"), (30, "20_40")]
)
def test_a_tone_has_its_power_in_its_band(frequency, band) -> None:
    time = np.arange(5000) / FS
    x = np.tile(np.sin(2 * np.pi * frequency * time), (1, 2, 1))
    out = summarise(x, FS)
    powers = {name: _column(out, f"I_{name}")[0] for name in PER_LEAD[5:]}
    assert max(powers, key=powers.__getitem__) == band
    low, high = map(float, band.split("_"))
    # Parseval: the power 1/2 of a sine, spread over the band.
    assert np.exp(powers[band]) * (high - low) == pytest.approx(0.5, rel=0.06)


@pytest.mark.parametrize("fs", [100.0, 250.0, 500.0])
@pytest.mark.parametrize("rate", [45, 60, 75, 100, 140, 180])
def test_heart_rate(rate, fs) -> None:
    noise = np.random.default_rng(rate).normal(0, 0.01, size=(1, 2, int(10 * fs)))
    out = summarise(_beats(rate, fs=fs) + noise, fs)
    assert out[0, -1] == pytest.approx(rate, rel=0.03)


def test_padding_does_not_count() -> None:
    x = np.stack([_beats(70), _beats(70) * 0.5])[None]
    padded = np.zeros((1, 2, 7000))
    padded[..., 1000:6000] = x
    plain = summarise(x, FS)
    out = summarise(padded, FS, start=np.array([1000]), stop=np.array([6000]))
    names = [index for index, name in enumerate(feature_names(("I", "II"))) if "_" in name]
    np.testing.assert_allclose(out[0, names], plain[0, names], rtol=2e-2, atol=2e-2)
    assert out[0, -1] == pytest.approx(70, rel=0.03)


def test_missing_and_broken_leads_are_nan_and_harm_no_other() -> None:
    x = np.random.default_rng(0).normal(size=(2, 2, 1000))
    plain = summarise(x, FS)
    x[0, 1, 5] = np.nan
    out = summarise(x, FS, lead_mask=np.array([[True, True], [True, False]]))
    half = len(PER_LEAD)
    assert np.isnan(out[:, half : 2 * half]).all()
    np.testing.assert_allclose(out[:, :half], plain[:, :half], rtol=1e-6)


def test_a_record_has_the_same_features_beside_a_padded_one() -> None:
    x = np.random.default_rng(1).normal(size=(2, 2, 1000)).astype(np.float32)
    x[1, :, 900:] = 0
    both = summarise(x, FS, start=np.array([0, 0]), stop=np.array([1000, 900]))
    np.testing.assert_array_equal(both[:1], summarise(x[:1], FS))


@pytest.mark.parametrize("together", [1, 3, 8])
def test_a_record_does_not_depend_on_those_beside_it(monkeypatch, together) -> None:
    x = np.random.default_rng(3).normal(size=(7, 3, 1000)).astype(np.float32)
    mask = np.ones((7, 3), np.bool_)
    mask[1, 0] = mask[4] = False
    alone = [summarise(x[i : i + 1], FS, lead_mask=mask[i : i + 1])[0] for i in range(7)]
    monkeypatch.setattr("components.core.signals.summary._CHUNK", together)
    np.testing.assert_array_equal(summarise(x, FS, lead_mask=mask), alone)


def test_chunks_do_not_show(monkeypatch) -> None:
    x = np.random.default_rng(0).normal(size=(5, 2, 1000))
    whole = summarise(x, FS)
    monkeypatch.setattr("components.core.signals.summary._CHUNK", 3)
    np.testing.assert_array_equal(summarise(x, FS), whole)


def test_no_rhythm_gives_no_rate_and_a_low_rate_is_refused() -> None:
    assert np.isnan(summarise(np.zeros((1, 2, 5000)), FS)[0, -1])
    assert np.isnan(summarise(_beats(60, 2.0)[None, None], FS)[0, -1])
    with pytest.raises(ValueError, match="fs is 80 Hz, but the 20–40 Hz band needs more than 80"):
        summarise(np.zeros((1, 2, 500)), 80.0)
