"""Pacing spikes: deflections of at most 2 ms, each followed by the complex that it captures.

IEC 60601-2-25 and AHA/ACC/HRS 2007 take pacemaker pulses as 0.1–2 ms wide. At 500 Hz such a pulse
is one or two samples that jump and return; a QRS complex is some 50 samples wide.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]

# s, and one sample more, since a pulse may straddle two.
_WIDTH_S = 0.002
# Hz. Below this a sample is longer than two pulses, and a spike looks like a notch.
MIN_FS = 240.0
# mV in the lead that shows it best, and times that lead's usual short deflection: bipolar pulses
# are a few tenths of a mV, a QRS complex's own tip is below 0.15 mV.
_HEIGHT_MV, _TIMES_NOISE = 0.25, 8.0
# Every eighth sample gives the noise's median well enough.
_EVERY = 8
# Between the 1 of a spike and the 4 of a parabola; the foot of a spike on a steep slope adds some.
_GAIN = 1.8
# s after a pulse in which its complex stands.
_RESPONSE_S = (0.02, 0.30)
# s before a pulse in which nothing steep stands, as it does before the tip of an R wave; s after it
# in which a paced complex, wider than 0.12 s, does.
_QUIET_S, _COMPLEX_S = (0.006, 0.04), (0.01, 0.16)
# Fewer pulses than this say nothing about their complexes.
_MIN_SPIKES = 3
# Mean correlation with the median response, of the median lead. All but one of LUDB's paced records
# with three spikes reach 0.97; what follows noise stays below 0.9 nearly always.
_MIN_ALIKE = 0.9
_TINY = 1e-20


def spikes(x: Array, fs: float) -> Indices:
    """Return the samples `[n]` of `x` `[leads, T]` mV at which some lead spikes, in order.

    None are found below 240 Hz.
    """
    width = _width(fs)
    if fs < MIN_FS or x.shape[1] <= 4 * width:
        return np.empty(0, np.intp)
    x = x[_steep(x, width)]
    if len(x) == 0:
        return np.empty(0, np.intp)
    narrow = _prominence(x, width)
    limit = np.maximum(_HEIGHT_MV, _TIMES_NOISE * np.median(narrow[:, ::_EVERY], axis=1))
    high = narrow > limit[:, None]
    # A wave's smooth top gains fourfold over twice the width, a spike gains nothing.
    sharp = _prominence(x, 2 * width) < _GAIN * narrow
    return np.flatnonzero((high & sharp).any(axis=0))


def without(x: Array, at: Indices, fs: float) -> Array:
    """Return `x` with straight lines over the spikes, which would pass for QRS complexes."""
    if len(at) == 0:
        return x
    hit = np.zeros(x.shape[1], np.bool_)
    reach = _width(fs)
    for shift in range(-reach, reach + 1):
        hit[np.clip(at + shift, 0, x.shape[1] - 1)] = True
    keep, gone = np.flatnonzero(~hit), np.flatnonzero(hit)
    if len(keep) == 0:  # noise from end to end: there is nothing to draw lines between
        return x
    out = x.copy()
    for lead in out:
        lead[gone] = np.interp(gone, keep, lead[keep])
    return out


def paced(x: Array, at: Indices, fs: float) -> bool | None:
    """Return whether three spikes or more are each followed by one and the same complex.

    A captured complex begins at its pulse and looks like the last one; what follows noise, or
    the tip of a sinus beat's R wave here and there, does not.

    Args:
        x: `[leads, T]` in mV without its spikes, leads without values constant.
        at: samples of the spikes.
        fs: sampling rate in Hz; None is returned below 240 Hz.
    """
    if fs < MIN_FS:
        return None
    if len(at) < _MIN_SPIKES:
        return False
    stop, before = round(_RESPONSE_S[1] * fs), round(_QUIET_S[1] * fs)
    # Of an atrial and a ventricular pulse the second begins the complex.
    last = at[np.diff(at, append=x.shape[1] + stop) >= stop]
    last = last[(last >= before) & (last + stop <= x.shape[1])]
    if len(last) < _MIN_SPIKES:
        return False
    live = x[np.ptp(x, axis=1) > 0]
    each = live[:, last[:, None] + np.arange(-before, stop)]
    usual = np.median(each, axis=1)
    return _starts(usual, before, fs) and _alike(each, usual, before, fs) >= _MIN_ALIKE


def _starts(usual: Array, at: int, fs: float) -> bool:
    """Return whether the complex comes after the pulse at sample `at`, not about it."""
    slope = np.abs(np.diff(usual, axis=1)).sum(axis=0)
    near = round(_QUIET_S[0] * fs)
    first, stop = (at + round(second * fs) for second in _COMPLEX_S)
    return float(slope[: at - near].mean()) < float(slope[first:stop].mean())


def _alike(each: Array, usual: Array, at: int, fs: float) -> float:
    """Return the mean correlation of the responses with the usual one, in the median lead."""
    part = slice(at + round(_RESPONSE_S[0] * fs), None)
    each = each[:, :, part] - each[:, :, part].mean(axis=2, keepdims=True)
    usual = (usual[:, part] - usual[:, part].mean(axis=1, keepdims=True))[:, None]
    size = np.square(each).sum(axis=2) * np.square(usual).sum(axis=2)
    alike = (each * usual).sum(axis=2) / np.sqrt(np.maximum(size, _TINY))
    return float(np.median(alike.mean(axis=1)))


def _width(fs: float) -> int:
    return round(_WIDTH_S * fs) + 1


def _steep(x: Array, width: int) -> Indices:
    """Return the leads with a sample that lies a pulse's height off both `width` before and after.

    Only they can hold a pulse, and few recordings have one.
    """
    away = x[:, width:] - x[:, :-width]
    up, down = away > _HEIGHT_MV, away < -_HEIGHT_MV
    stands_out = up[:, :-width] & down[:, width:]
    stands_out |= down[:, :-width] & up[:, width:]
    if not stands_out.any():
        return np.empty(0, np.intp)
    return np.flatnonzero(stands_out.any(axis=1))


def _prominence(x: Array, width: int) -> Array:
    """Return how far each sample lies outside of the range of those `width` before and after."""
    out = np.zeros_like(x)
    middle, left, right = x[:, width:-width], x[:, : -2 * width], x[:, 2 * width :]
    above = middle - np.maximum(left, right)
    below = np.minimum(left, right) - middle
    out[:, width:-width] = np.maximum(np.maximum(above, below), 0)
    return out
