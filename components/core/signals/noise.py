"""Noise of each lead: mains hum, muscle noise, baseline wander, and how well its beats agree.

Shapes: `[leads, T]` in mV; figures `[leads]` float32, NaN where they cannot be told. A lead of a
printed 12-lead page is seen for 2.5 s, so muscle noise is that of the worst such stretch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, reduce

import numpy as np
import numpy.typing as npt
from numpy import fft

from components.core.signals.beats import MIN_BEATS, Beats
from components.core.signals.rows import centred, median
from components.core.signals.spectrum import Spectrum, band, bins, spectrum

Array = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]

# Hz. The two mains frequencies, the half width of a line, and its flanks on either side.
MAINS_HZ = (50.0, 60.0)
_LINE_HZ, _FLANK_HZ = 0.6, 4.0
_LINES = tuple((hz, _LINE_HZ) for hz in MAINS_HZ)
# Hz. Muscle noise reaches from 20 to several 100 Hz; above 40 Hz little of P, QRS and T is left.
MUSCLE_BAND = (40.0, 100.0)
# Hz. Below this rate neither band is sampled.
MIN_FS = 2 * MUSCLE_BAND[1]
# s. A printed column, and a window shorter than the gap between two QRS complexes.
_COLUMN_S, _WINDOW_S = 2.5, 0.04
# s. A shorter strip resolves neither a line of the spectrum nor a baseline.
_SHORTEST_S = 1.0
# s. The moving average that follows the baseline and not the waves.
_BASELINE_S = 1.0
# s from the QRS complex's middle: P wave to the end of the T wave.
_BEAT_S = (-0.25, 0.40)
# mV⁴, below any signal's: keeps a silent lead's correlation at 0.
_TINY = 1e-20


def mains(x: Array, fs: float) -> Array:
    """Return the hum's root mean square in mV, the larger of 50 and 60 Hz.

    The line's power above what its flanks (to 4 Hz on either side) hold, so that a QRS complex's
    own power at that frequency does not count.
    """
    if fs < MIN_FS or x.shape[1] < _SHORTEST_S * fs:
        return np.full(len(x), np.nan, np.float32)
    hum = _hum(x.shape[1], fs)
    weighted = centred(x)
    weighted *= hum.window
    near = spectrum(weighted)[:, hum.near]
    power = (near.real**2 + near.imag**2) * hum.scale
    most = reduce(np.maximum, (_excess(power, *each) for each in hum.lines))
    return np.sqrt(np.maximum(most, 0)).astype(np.float32)


def muscle(x: Array, fs: float, whole: Spectrum | None = None) -> Array:
    """Return the root mean square in mV of what lies in `MUSCLE_BAND`, without hum and QRS.

    Each stretch of 2.5 s gives the median of its 40 ms windows, which complexes that take less
    than half of the time do not reach; the worst stretch counts.

    Args:
        x: the strip.
        fs: sampling rate in Hz.
        whole: `signals.spectrum.spectrum(x)`, where it is there already.
    """
    if fs < MIN_FS or x.shape[1] < _SHORTEST_S * fs:
        return np.full(len(x), np.nan, np.float32)
    noise = band(x, bins(x.shape[1], fs, MUSCLE_BAND, _LINES), of=whole)
    means = _window_means(np.square(noise, out=noise), fs)
    return np.sqrt(median(means).max(axis=1))


def _window_means(squares: Array, fs: float) -> Array:
    """Return the mean of each 40 ms window, `[leads, columns, windows per column]`."""
    width = round(_WINDOW_S * fs)
    windows = squares.shape[1] // width
    per_column = min(round(_COLUMN_S / _WINDOW_S), windows)
    columns = windows // per_column
    used = squares[:, : columns * per_column * width]
    each = used.reshape(len(squares), columns, per_column, width)
    # Several times as fast as `mean` over so short an axis.
    return np.einsum("lcws->lcw", each) / np.float32(width)


def wander(x: Array, fs: float) -> Array:
    """Return the baseline's range in mV: peak to peak of the moving average over 1 s."""
    if x.shape[1] < _SHORTEST_S * fs:
        return np.full(len(x), np.nan, np.float32)
    width = min(round(_BASELINE_S * fs), x.shape[1])
    total = np.cumsum(x, axis=1, dtype=np.float64)
    sums = total[:, width - 1 :].copy()
    sums[:, 1:] -= total[:, :-width]
    return (sums.max(axis=1) / width - sums.min(axis=1) / width).astype(np.float32)


def agreement(beats: Beats) -> Array:
    """Return the mean correlation of a lead's beats with its median beat, −1 to 1.

    After Orphanidou et al. 2015 (IEEE J Biomed Health Inform 19:832), who compare with the mean
    beat; NaN with fewer than three whole beats.
    """
    if beats.each.shape[1] < MIN_BEATS:
        return np.full(len(beats.each), np.nan, np.float32)
    part = beats.part(*_BEAT_S)
    each, usual = centred(beats.each[:, :, part]), centred(beats.median[:, None, part])
    product = np.einsum("lbt,lot->lb", each, usual)
    own = np.einsum("lbt,lbt->lb", each, each) * np.einsum("lot,lot->l", usual, usual)[:, None]
    return (product / np.sqrt(np.maximum(own, _TINY))).mean(axis=1).astype(np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Hum:
    """Where a strip's spectrum shows hum.

    Attributes:
        window: `[T]`, after Hann.
        scale: from squares of the spectrum under the window to one-sided power in mV².
        near: the bins of both mains frequencies and their flanks.
        lines: per mains frequency, which of `near` are its line, and which its flanks.
    """

    window: Array
    scale: np.float32
    near: slice
    lines: tuple[tuple[Indices, Indices], ...]


@lru_cache(maxsize=4)  # a day's window takes 90 MB
def _hum(length: int, fs: float) -> _Hum:
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)
    (near,) = bins(length, fs, (MAINS_HZ[0] - _FLANK_HZ, MAINS_HZ[1] + _FLANK_HZ))
    frequency = fft.rfftfreq(length, 1 / fs)[near]
    apart = [np.abs(frequency - hz) for hz in MAINS_HZ]
    lines = [far <= _LINE_HZ for far in apart]
    flanks = [(far > _LINE_HZ) & (far <= _FLANK_HZ) for far in apart]
    return _Hum(
        window=window,
        scale=np.float32(2 / (length * float(np.square(window, dtype=np.float64).sum()))),
        near=near,
        lines=tuple(
            (np.flatnonzero(line), np.flatnonzero(flank))
            for line, flank in zip(lines, flanks, strict=True)
        ),
    )


def _excess(power: Array, line: Indices, flank: Indices) -> npt.NDArray[np.float64]:
    usual = np.add.reduce(power[:, flank], axis=1) / np.float32(len(flank))
    return np.add.reduce(power[:, line], axis=1) - usual * np.float64(len(line))
