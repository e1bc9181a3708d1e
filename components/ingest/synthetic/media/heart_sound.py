"""A heart sound beat by beat: S1, S2 (aortic and pulmonary), murmur and third sound.

Sounds are damped oscillations, as closing valves set blood and chest wall ringing (Rangayyan and
Lehner 1987); S1 follows the R peak, S2 the electromechanical systole of Weissler et al. 1968. One
is the height of an ordinary S1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, sosfilt

from components.ingest.synthetic.rhythm import Rhythm

FloatArray = npt.NDArray[np.float64]

FS, SECONDS = 4000, 10.0
# The mitral valve closes this long after the R peak, s.
_S1_DELAY = 0.03
# QS2 in ms at a heart rate: 546 - 2.1 rate (Weissler et al., Circulation 1968;37:149); Q lies about
# 40 ms before R.
_QS2_MS, _QS2_PER_RATE, _Q_BEFORE_R = 546.0, 2.1, 0.04
# Respiration at 15/min splits S2 by 20 ms at the end of expiration and 50 ms in inspiration, and
# moves the loudness by 10 %.
RESPIRATION_HZ = 0.25
_SPLIT_S, _SPLIT_MORE_S, _LOUDNESS = 0.02, 0.03, 0.10
# Third sound: this long after A2, s; and its width, for those who look for it.
S3_DELAY, S3_WIDTH = 0.15, 0.08
# Frequencies (Hz) and time constants (s) of each sound's oscillations.
_S1 = ((45.0, 0.020, 1.0), (85.0, 0.012, 0.6), (130.0, 0.008, 0.25))
_A2 = ((60.0, 0.014, 0.7), (115.0, 0.009, 0.5))
_P2 = ((55.0, 0.012, 0.35), (100.0, 0.008, 0.2))
_S3 = ((38.0, 0.022, 1.0),)
S3_HZ = (25.0, 60.0)
_RISE, _EVENT_S = 0.004, 0.12
# Bands of the murmurs in Hz: mitral regurgitation blows, an innocent ejection murmur is low.
MURMUR_HZ, INNOCENT_HZ = (150.0, 400.0), (70.0, 150.0)
# Root mean square of the murmur and height of S3 at a score of 0, and their log rise per SD.
MURMUR_LEVEL, MURMUR_RISE = 0.05, 0.65
S3_LEVEL, S3_RISE = 0.16, 0.50
# How loud each valve's sounds are where the stethoscope lies: murmur (loudest at the apex), S1, S2,
# third sound.
SITES = {
    "MV": (1.00, 1.00, 0.75, 1.00),
    "AV": (0.45, 0.70, 1.10, 0.55),
    "PV": (0.50, 0.70, 1.05, 0.60),
    "TV": (0.65, 0.90, 0.80, 0.85),
}
# Beat-to-beat SD of a sound's height, log.
_BEAT_SD = 0.05


@dataclass(frozen=True, kw_only=True)
class Chest:
    """What stays the same over a patient's recordings.

    Attributes:
        murmur: score of the murmur's intensity, SD.
        s3: score of the third sound, SD.
        rate: mean heart rate, beats per minute.
        shape: end over start of the murmur within systole, 1 a plateau, above 1 late systolic.
        s1: height of S1.
        s2: height of S2 against S1.
        innocent: root mean square of an innocent ejection murmur; 0 none.
    """

    murmur: float
    s3: float
    rate: float
    shape: float = 1.0
    s1: float = 1.0
    s2: float = 1.0
    innocent: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Beats:
    """When the sounds of one recording begin, s; only those inside the recording."""

    s1: list[float] = field(default_factory=list[float])
    s2: list[float] = field(default_factory=list[float])


def timing(rhythm: Rhythm, rate: float) -> tuple[FloatArray, FloatArray]:
    """Return when S1 and A2 begin in every beat, s; S2 keeps before the next S1."""
    # Systole follows the rate over many beats, as QT does.
    local = 60.0 / (0.3 * rhythm.rr + 0.7 * 60.0 / rate)
    systole = (_QS2_MS - _QS2_PER_RATE * local) / 1000.0 - _Q_BEFORE_R
    first = rhythm.r_times + _S1_DELAY
    following = np.append(np.diff(rhythm.r_times), np.inf)
    return first, rhythm.r_times + np.minimum(systole, 0.75 * following)


def sound(
    chest: Chest, rhythm: Rhythm, *, site: str, rng: np.random.Generator
) -> tuple[FloatArray, Beats]:
    """Return `[samples]` at `FS` without noise, and when S1 and S2 begin.

    Args:
        chest: what the patient's heart sounds like.
        rhythm: beats of the recording.
        site: one of `SITES`.
        rng: stream of the recording.
    """
    murmur, loud1, loud2, loud3 = SITES[site]
    first, second = timing(rhythm, chest.rate)
    out = np.zeros(round(SECONDS * FS))
    for s1, s2 in zip(first.tolist(), second.tolist(), strict=True):
        breath = np.sin(2 * np.pi * RESPIRATION_HZ * s1)
        gain = (1.0 + _LOUDNESS * breath) * np.exp(_BEAT_SD * rng.standard_normal(4))
        _ring(out, s1, _S1, gain[0] * loud1 * chest.s1)
        _ring(out, s2, _A2, gain[1] * loud2 * chest.s2)
        split = _SPLIT_S + _SPLIT_MORE_S * (1.0 + breath) / 2
        _ring(out, s2 + split, _P2, gain[1] * loud2 * chest.s2)
        third = S3_LEVEL * np.exp(S3_RISE * chest.s3)
        _ring(out, s2 + S3_DELAY, _S3, gain[2] * loud3 * third)
    level = murmur * MURMUR_LEVEL * np.exp(MURMUR_RISE * chest.murmur)
    out += level * _blowing(first, second, chest.shape, MURMUR_HZ, rng)
    if chest.innocent > 0:
        out += chest.innocent * _ejection(first, second, rng)
    inside = (first >= 0) & (second < SECONDS)
    return out, Beats(s1=_rounded(first[inside]), s2=_rounded(second[inside]))


def _rounded(seconds: FloatArray) -> list[float]:
    return np.round(seconds, 4).tolist()


def _ring(
    out: FloatArray, start: float, parts: tuple[tuple[float, float, float], ...], height: float
) -> None:
    """Add damped oscillations that begin at `start` s."""
    begin = round(start * FS)
    low, high = max(begin, 0), min(begin + round(_EVENT_S * FS), len(out))
    if high <= low:
        return
    time = np.arange(low - begin, high - begin) / FS
    wave = np.zeros(len(time))
    for hertz, decay, size in parts:
        wave += size * np.sin(2 * np.pi * hertz * time) * np.exp(-time / decay)
    out[low:high] += height * wave * (1.0 - np.exp(-time / _RISE))


def _blowing(
    first: FloatArray,
    second: FloatArray,
    shape: float,
    band: tuple[float, float],
    rng: np.random.Generator,
) -> FloatArray:
    """Return holosystolic noise of unit size in the middle of systole."""
    samples = round(SECONDS * FS)
    envelope = np.zeros(samples)
    # From the end of S1's first swing to A2: the valve leaks as long as the ventricle presses.
    for start, stop in zip((first + 0.03).tolist(), second.tolist(), strict=True):
        low, high = max(round(start * FS), 0), min(round(stop * FS), samples)
        if high > low:
            share = (np.arange(low, high) / FS - start) / (stop - start)
            edge = np.minimum(1.0, np.minimum(share, 1.0 - share) / 0.1)
            envelope[low:high] = edge * shape ** (share - 0.5)
    return envelope * _band_noise(samples, band, rng)


def _ejection(first: FloatArray, second: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return a low crescendo-decrescendo murmur of unit size at its loudest."""
    samples = round(SECONDS * FS)
    envelope = np.zeros(samples)
    for start, stop in zip((first + 0.05).tolist(), (second - 0.08).tolist(), strict=True):
        low, high = max(round(start * FS), 0), min(round(stop * FS), samples)
        if high > low:
            share = (np.arange(low, high) / FS - start) / (stop - start)
            envelope[low:high] = np.sin(np.pi * share)
    return envelope * _band_noise(samples, INNOCENT_HZ, rng)


def _band_noise(samples: int, band: tuple[float, float], rng: np.random.Generator) -> FloatArray:
    """Return noise of unit root mean square in a band."""
    noise: FloatArray = sosfilt(
        butter(2, band, btype="band", fs=FS, output="sos"), rng.standard_normal(samples)
    )
    return noise / np.sqrt(np.mean(noise**2))
