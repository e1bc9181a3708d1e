"""Noise of each lead: mains hum, muscle noise, baseline wander, and how well its beats agree.

Shapes: `[leads, T]` in mV; figures `[leads]` float32, NaN where they cannot be told. A lead of a
printed 12-lead page is seen for 2.5 s, so muscle noise is that of the worst such stretch.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy import fft

from components.core.signals.beats import MIN_BEATS, Beats

Array = npt.NDArray[np.float32]

# Hz. The two mains frequencies, the half width of a line, and its flanks on either side.
MAINS_HZ = (50.0, 60.0)
_LINE_HZ, _FLANK_HZ = 0.6, 4.0
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
    power, frequency = _power(x, fs)
    lines = [_line(power, frequency, hz) for hz in MAINS_HZ]
    return np.sqrt(np.max(lines, axis=0)).astype(np.float32)


def muscle(x: Array, fs: float) -> Array:
    """Return the root mean square in mV of what lies in `MUSCLE_BAND`, without hum and QRS.

    Each stretch of 2.5 s gives the median of its 40 ms windows, which complexes that take less
    than half of the time do not reach; the worst stretch counts.
    """
    if fs < MIN_FS or x.shape[1] < _SHORTEST_S * fs:
        return np.full(len(x), np.nan, np.float32)
    spectrum = fft.rfft(x, axis=1)
    frequency = fft.rfftfreq(x.shape[1], 1 / fs)
    keep = (frequency >= MUSCLE_BAND[0]) & (frequency <= MUSCLE_BAND[1])
    for hz in MAINS_HZ:
        keep &= np.abs(frequency - hz) > _LINE_HZ
    spectrum[:, ~keep] = 0
    means = _window_means(np.square(fft.irfft(spectrum, x.shape[1], axis=1)), fs)
    return np.sqrt(np.median(means, axis=2).max(axis=1)).astype(np.float32)


def _window_means(squares: Array, fs: float) -> Array:
    """Return the mean of each 40 ms window, `[leads, columns, windows per column]`."""
    width = round(_WINDOW_S * fs)
    windows = squares.shape[1] // width
    per_column = min(round(_COLUMN_S / _WINDOW_S), windows)
    columns = windows // per_column
    used = squares[:, : columns * per_column * width]
    return used.reshape(len(squares), columns, per_column, width).mean(axis=3)


def wander(x: Array, fs: float) -> Array:
    """Return the baseline's range in mV: peak to peak of the moving average over 1 s."""
    if x.shape[1] < _SHORTEST_S * fs:
        return np.full(len(x), np.nan, np.float32)
    width = min(round(_BASELINE_S * fs), x.shape[1])
    total = np.cumsum(x, axis=1, dtype=np.float64)
    first = np.concatenate([np.zeros((len(x), 1)), total[:, :-width]], axis=1)
    return np.ptp((total[:, width - 1 :] - first) / width, axis=1).astype(np.float32)


def agreement(beats: Beats) -> Array:
    """Return the mean correlation of a lead's beats with its median beat, −1 to 1.

    After Orphanidou et al. 2015 (IEEE J Biomed Health Inform 19:832), who compare with the mean
    beat; NaN with fewer than three whole beats.
    """
    if beats.each.shape[1] < MIN_BEATS:
        return np.full(len(beats.each), np.nan, np.float32)
    part = beats.part(*_BEAT_S)
    each, median = _centred(beats.each[:, :, part]), _centred(beats.median[:, None, part])
    product = np.einsum("lbt,lot->lb", each, median)
    own = np.einsum("lbt,lbt->lb", each, each) * np.einsum("lot,lot->l", median, median)[:, None]
    return (product / np.sqrt(np.maximum(own, _TINY))).mean(axis=1).astype(np.float32)


def _centred(x: Array) -> Array:
    return x - x.mean(axis=-1, keepdims=True)


def _power(x: Array, fs: float) -> tuple[Array, npt.NDArray[np.float64]]:
    """Return one-sided power `[leads, bins]` in mV² under a Hann window, and the bins in Hz."""
    length = x.shape[1]
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)
    spectrum = fft.rfft(_centred(x) * window, axis=1)
    scale = np.float32(2 / (length * float(np.square(window, dtype=np.float64).sum())))
    power = (spectrum.real**2 + spectrum.imag**2) * scale
    return power.astype(np.float32), fft.rfftfreq(length, 1 / fs)


def _line(power: Array, frequency: npt.NDArray[np.float64], hz: float) -> Array:
    distance = np.abs(frequency - hz)
    line = distance <= _LINE_HZ
    flank = (distance > _LINE_HZ) & (distance <= _FLANK_HZ)
    excess = power[:, line].sum(axis=1) - power[:, flank].mean(axis=1) * line.sum()
    return np.maximum(excess, 0)
