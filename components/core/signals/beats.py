"""Beats of a recording: when its QRS complexes come, and each lead's median beat.

Light on purpose: the quality figures need a beat's place within some 20 ms, in every record. All
leads vote, each by its own size, so that one noisy or silent lead does not decide.
Shapes: `[leads, T]` in, `fs` in Hz.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from components.core.signals.rows import median
from components.core.signals.spectrum import Spectrum, band, bins

Array = npt.NDArray[np.float32]

# Hz. The QRS complex stands out against P, T and muscle noise (Thakor, Webster & Tompkins 1984).
_BAND = (8.0, 30.0)
# s. A QRS complex lasts 0.06–0.12 s (normal limit 0.12 s: AHA/ACCF/HRS 2009).
_QRS_S = 0.10
# s. Beats nearer than this would be a rate above 240 per minute.
_REFRACTORY_S = 0.25
# s. Each stretch of this length holds a beat at 40 per minute and more.
_STRETCH_S = 1.5
# Share of the usual peak, so that a small beat counts and a T wave does not.
_SHARE = 0.4
# The median beat in s from the QRS complex's middle: the P wave begins 0.12–0.20 s before the
# complex does (normal PR interval), the T wave is over 0.44 s after it (upper normal QT).
BEFORE_S, AFTER_S = 0.28, 0.44
# Fewer beats than this have no median worth the name.
MIN_BEATS = 3
# mV², below any signal's.
_TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, kw_only=True, eq=False)
class Beats:
    """Beats that lie in the recording with all of their P and T waves.

    Attributes:
        at: `[beats]`, sample of each QRS complex's middle, the cut-off ones included.
        each: `[leads, whole beats, samples]`, every lead around each beat.
        median: `[leads, samples]`, NaN with fewer than `MIN_BEATS` whole beats.
        fs: sampling rate in Hz.
    """

    at: npt.NDArray[np.intp]
    each: Array
    median: Array
    fs: float

    def part(self, start_s: float, stop_s: float) -> slice:
        """Return the samples of a beat from `start_s` to `stop_s`, in s from the QRS's middle."""
        return slice(round((start_s + BEFORE_S) * self.fs), round((stop_s + BEFORE_S) * self.fs))


def find_beats(x: Array, fs: float, spectrum: Spectrum | None = None) -> Beats:
    """Return the beats of `x` `[leads, T]`; leads without values must be constant.

    Args:
        x: the strip.
        fs: sampling rate in Hz.
        spectrum: `signals.spectrum.spectrum(x)`, where it is there already.
    """
    at = _complexes(x, fs, spectrum)
    before, after = round(BEFORE_S * fs), round(AFTER_S * fs)
    whole = at[(at >= before) & (at + after <= x.shape[1])]
    # Samples first: the sums over them that follow add whole rows.
    each = np.empty((before + after, len(whole), len(x)), np.float32)
    for number, middle in enumerate(whole.tolist()):
        each[:, number] = x[:, middle - before : middle + after].T
    if len(whole) >= MIN_BEATS:
        usual = median(np.ascontiguousarray(each.transpose(0, 2, 1)))
    else:
        usual = np.full((before + after, len(x)), np.nan, np.float32)
    return Beats(at=at, each=each.transpose(2, 1, 0), median=usual.T, fs=fs)


def _complexes(x: Array, fs: float, spectrum: Spectrum | None) -> npt.NDArray[np.intp]:
    envelope = _envelope(x, fs, spectrum)
    stretch = round(_STRETCH_S * fs)
    count = len(envelope) // stretch
    if count == 0 or not envelope.any():
        return np.empty(0, np.intp)
    usual = float(median(envelope[: count * stretch].reshape(count, stretch).max(axis=1)))
    return _peaks(envelope, _SHARE * usual, round(_REFRACTORY_S * fs))


def _peaks(envelope: Array, height: float, distance: int) -> npt.NDArray[np.intp]:
    """Return the local maxima above `height`, of two nearer than `distance` the higher one.

    As `scipy.signal.find_peaks`, whose import would take longer than a hundred records.
    """
    inner = envelope[1:-1]
    top = (inner > height) & (inner >= envelope[:-2]) & (inner > envelope[2:])
    found = np.flatnonzero(top) + 1
    near = np.zeros(len(envelope), np.bool_)
    keep: list[int] = []
    for at in found[np.argsort(-envelope[found], kind="stable")].tolist():
        if not near[at]:
            keep.append(at)
            near[max(0, at - distance + 1) : at + distance] = True
    return np.array(sorted(keep), np.intp)


def _envelope(x: Array, fs: float, spectrum: Spectrum | None) -> Array:
    """Return `[T]`: the leads' power in the QRS band, each lead's in shares of its own mean."""
    complexes = band(x, bins(x.shape[1], fs, _BAND), of=spectrum)
    # In double precision: the square of an absurd amplitude leaves float32.
    power = complexes.astype(np.float64)
    np.square(power, out=power)
    mean = np.add.reduce(power, axis=1) / x.shape[1]
    live = mean > _TINY
    if not live.all():
        power, mean = power[live], mean[live]
    # The root lessens the weight of one large ectopic beat.
    total = np.sqrt((1 / mean) @ power)
    return np.convolve(total, _window(fs), "same").astype(np.float32)


@lru_cache(maxsize=16)
def _window(fs: float) -> npt.NDArray[np.float64]:
    """Return one with one highest sample, so that beats are not off by a plateau's length."""
    window = np.hanning(2 * round(_QRS_S * fs) + 1)
    return window / window.sum()
