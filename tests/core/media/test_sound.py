"""Log-mel windows against an independent computation, and what they must not depend on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.signal import resample_poly

from components.core.errors import ConfigError, RecordError
from components.core.media.config import SoundConfig
from components.core.media.sound import LogMel, log_mel
from components.core.readers.audio import Sound

CONFIG = SoundConfig(windows=4)


def beats(seconds: float, fs: int = 4000, seed: int = 0, level: float = 0.2) -> np.ndarray:
    """Return bursts of 40 to 200 Hz, one after another, on a quiet noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * fs)) / fs
    values = 0.01 * rng.normal(size=len(time))
    for start in np.arange(0.1, seconds, 0.4):
        pitch, there = rng.uniform(40, 200), time >= start
        later = time[there] - start
        values[there] += np.exp(-later / 0.03) * np.sin(2 * np.pi * pitch * later)
    return level * values


def sound(values: np.ndarray, fs: float = 4000) -> Sound:
    return Sound(values=values.astype(np.float32), fs=fs, lsb=1.0)


def of(values: np.ndarray, fs: float = 4000, config: SoundConfig = CONFIG) -> LogMel:
    return log_mel([sound(values, fs)], config)


def mel_power(values: np.ndarray, config: SoundConfig) -> np.ndarray:
    """Return `[M, T]` mel power of one window, by the definitions and no library's transform."""
    frame, hop = round(config.frame_s * config.fs), config.hop
    size = 2 ** math.ceil(math.log2(4 * frame))
    window = np.zeros(size)
    start = (size - frame) // 2
    window[start : start + frame] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)
    padded = np.concatenate([values[size // 2 : 0 : -1], values, values[-2 : -2 - size // 2 : -1]])
    frames = np.stack([padded[at : at + size] for at in range(0, len(values) + 1, hop)])
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    # O'Shaughnessy 1987: 2595 log10(1 + f / 700); triangles of height 1 between equal steps.
    low, high = (2595 * math.log10(1 + f / 700) for f in (config.low_hz, config.high_hz))
    edges = 700 * (10 ** (np.linspace(low, high, config.mels + 2) / 2595) - 1)
    pitch = np.fft.rfftfreq(size, 1 / config.fs)
    rise = (pitch - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - pitch) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rise, fall)) @ power.T


def test_levels_are_those_of_an_independent_computation() -> None:
    values = beats(11, fs=2000)  # no resampling between
    found = of(values, 2000)
    centred = values - values.mean()
    even = centred / np.sqrt((centred**2).mean())
    assert found.valid.tolist() == [True, True, False, False]
    for number in range(2):
        window = even[number * CONFIG.samples : (number + 1) * CONFIG.samples]
        expected = 10 * np.log10(mel_power(window, CONFIG) + 1e-12)
        # Half precision holds steps of 1/32 dB up to 64 dB.
        assert np.abs(found.values[number] - expected).max() < 0.04
    assert found.values.shape == CONFIG.shape
    assert not found.values[2:].any()


@pytest.mark.parametrize("gain", [1e-4, 0.03, 7.0, 1e30])
def test_gain_and_offset_do_not_matter(gain: float) -> None:
    values = beats(6)
    other = of(gain * values + (0.2 * gain if gain < 1 else 0))
    np.testing.assert_allclose(other.values, of(values).values, atol=0.1)


def test_one_sound_at_two_rates_is_one_array() -> None:
    fine = beats(11, fs=8000)
    coarse = resample_poly(fine, 1, 2)
    one, two = of(fine, 8000), of(coarse, 4000)
    assert (one.valid == two.valid).all()
    difference = np.abs(one.values.astype(float) - two.values.astype(float))[one.valid]
    # dB; more only at the dips of the spectrum.
    assert np.quantile(difference, 0.99) < 0.05
    assert difference.max() < 1


@pytest.mark.parametrize("fs", [1000, 2000, 4001, 11_025, 44_100, 96_001])
def test_any_rate_gives_the_pitch_that_was_played(fs: int) -> None:
    time = np.arange(5 * fs + fs // 10) / fs
    found = of(np.sin(2 * np.pi * 150 * time), fs)
    low, high = (2595 * math.log10(1 + f / 700) for f in (25, 400))
    centres = 700 * (10 ** (np.linspace(low, high, 34)[1:-1] / 2595) - 1)
    loudest = found.values[0].astype(float).mean(axis=1).argmax()
    assert found.valid.tolist() == [True, False, False, False]
    assert abs(centres[loudest] - 150) < 8  # half the distance of two filters


def test_sites_take_turns() -> None:
    values = [beats(seconds, seed=seed) for seed, seconds in enumerate((16, 6, 11))]
    found = log_mel([sound(each) for each in values], CONFIG)
    assert found.site.tolist() == [0, 1, 2, 0]
    for place, site, number in ((0, 0, 0), (1, 1, 0), (2, 2, 0), (3, 0, 1)):
        np.testing.assert_array_equal(found.values[place], of(values[site]).values[number])
    more = log_mel([sound(each) for each in values], SoundConfig(windows=8))
    assert more.site.tolist() == [0, 1, 2, 0, 2, 0, -1, -1]
    assert more.valid.tolist() == [True] * 6 + [False] * 2


def test_no_recording_has_no_window() -> None:
    found = log_mel([], CONFIG)
    assert (found.valid.any(), found.site.tolist()) == (False, [-1] * 4)


def test_a_short_recording_is_repeated() -> None:
    short = SoundConfig(windows=2, fs=1000, window_s=4)
    values = beats(2, fs=1000)
    once, twice = of(values, 1000, short), of(np.tile(values, 2), 1000, short)
    assert once.valid.tolist() == [True, False]
    np.testing.assert_allclose(once.values, twice.values, atol=0.05)


@pytest.mark.parametrize("seconds", [0.2, 1.99])
def test_too_little_sound(seconds: float) -> None:
    sentence = f"lasts {seconds:.2f} s, less than 2 s; record for at least a few beats"
    with pytest.raises(RecordError, match=sentence) as caught:
        of(beats(2)[: round(4000 * seconds)])
    assert caught.value.code == "sound_too_short"


@pytest.mark.parametrize("level", [0.0, 0.3, -1.0])
def test_silence_is_refused_at_any_offset(level: float) -> None:
    with pytest.raises(RecordError, match="the recording is silent; check the stethoscope"):
        of(np.full(12_000, level))
    counts = Sound(values=np.full(12_000, 77, np.int16), fs=4000, lsb=1 / 32768)
    with pytest.raises(RecordError, match="silent") as caught:
        log_mel([sound(beats(6)), counts], CONFIG)
    assert caught.value.code == "silent"


def test_a_rate_that_cannot_hold_the_band() -> None:
    sentence = "at 600 Hz holds nothing up to 400 Hz; record at 800 Hz or more"
    with pytest.raises(RecordError, match=sentence) as caught:
        of(beats(6), 600)
    assert caught.value.code == "bad_rate"


def test_filters_narrower_than_the_spectrum() -> None:
    sentence = r"preprocess.pcg.mels: 200 filters from 25 to 400 Hz are narrower than the 3.9 Hz"
    with pytest.raises(ConfigError, match=sentence):
        of(beats(6), config=SoundConfig(mels=200))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"low_hz": 400}, "the band must rise"),
        ({"high_hz": 1001}, "the band must rise"),
        ({"frame_s": 6}, "a frame must fit into a window"),
        ({"hop_s": 0.0001}, "hop_s is shorter than a sample"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        SoundConfig(**settings)


@pytest.mark.parametrize("hertz", [1500, 3000, 12000])
def test_a_sound_above_every_heart_sound_is_not_made_loud(hertz: int) -> None:
    time = np.arange(6 * 44100) / 44100
    whistle = 0.5 * np.sin(2 * np.pi * hertz * time)
    with pytest.raises(RecordError, match="the recording is silent below 1000 Hz; check") as caught:
        of(whistle, 44100)
    assert caught.value.code == "silent"
    # A heart ten times softer than the whistle is one.
    assert of(whistle + beats(6, 44100, level=0.5) / 10, 44100).valid.any()
    rng = np.random.default_rng(0)
    assert of(rng.normal(size=6 * 400_000), 400_000).valid.any()
