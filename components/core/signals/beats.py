"""Beats of a recording: when its QRS complexes come, and each lead's median beat.

Light on purpose: the quality figures need a beat's place within some 20 ms, in every record. All
leads vote, each by its own size, so that one noisy or silent lead does not decide.
Shapes: `[leads, T]` in, `fs` in Hz.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy import fft

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


def find_beats(x: Array, fs: float) -> Beats:
    """Return the beats of `x` `[leads, T]`; leads without values must be constant."""
    at = _complexes(x, fs)
    before, after = round(BEFORE_S * fs), round(AFTER_S * fs)
    whole = at[(at >= before) & (at + after <= x.shape[1])]
    each = x[:, whole[:, None] + np.arange(-before, after)]
    enough = len(whole) >= MIN_BEATS
    shape = (len(x), before + after)
    median = np.median(each, axis=1) if enough else np.full(shape, np.nan, np.float32)
    return Beats(at=at, each=each, median=median.astype(np.float32), fs=fs)


def _complexes(x: Array, fs: float) -> npt.NDArray[np.intp]:
    envelope = _envelope(x, fs)
    stretch = round(_STRETCH_S * fs)
    count = len(envelope) // stretch
    if count == 0 or not envelope.any():
        return np.empty(0, np.intp)
    usual = float(np.median(envelope[: count * stretch].reshape(count, stretch).max(axis=1)))
    return _peaks(envelope, _SHARE * usual, round(_REFRACTORY_S * fs))


def _peaks(envelope: Array, height: float, distance: int) -> npt.NDArray[np.intp]:
    """Return the local maxima above `height`, of two nearer than `distance` the higher one.

    As `scipy.signal.find_peaks`, whose import would take longer than a hundred records.
    """
    inner = envelope[1:-1]
    top = (inner > height) & (inner >= envelope[:-2]) & (inner > envelope[2:])
    found = np.flatnonzero(top) + 1
    keep: list[int] = []
    for at in found[np.argsort(-envelope[found], kind="stable")]:
        if all(abs(at - other) >= distance for other in keep):
            keep.append(int(at))
    return np.array(sorted(keep), np.intp)


def _envelope(x: Array, fs: float) -> Array:
    """Return `[T]`: the leads' power in the QRS band, each lead's in shares of its own mean."""
    spectrum = fft.rfft(x, axis=1)
    frequency = fft.rfftfreq(x.shape[1], 1 / fs)
    spectrum[:, (frequency < _BAND[0]) | (frequency > _BAND[1])] = 0
    # In double precision: the square of an absurd amplitude leaves float32.
    power = np.square(fft.irfft(spectrum, x.shape[1], axis=1), dtype=np.float64)
    mean = power.mean(axis=1, keepdims=True)
    live = mean[:, 0] > np.finfo(np.float32).tiny
    # The root lessens the weight of one large ectopic beat.
    total = np.sqrt((power[live] / mean[live]).sum(axis=0))
    # A window with one highest sample, so that beats are not off by the length of a plateau.
    window = np.hanning(2 * round(_QRS_S * fs) + 1)
    return np.convolve(total, window / window.sum(), "same").astype(np.float32)
