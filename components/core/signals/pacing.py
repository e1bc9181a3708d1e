"""Pacing spikes: deflections of at most 2 ms that come before the QRS complexes.

IEC 60601-2-25 and AHA/ACC/HRS 2007 take pacemaker pulses as 0.1–2 ms wide. At 500 Hz such a pulse
is one or two samples that jump and return; a QRS complex is some 50 samples wide.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.core.signals.beats import Beats

Array = npt.NDArray[np.float32]

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
# s before the QRS complex's middle: atrial pacing leads by up to 0.35 s (long AV delay), and a
# paced complex's own middle lies some 0.08 s after its pulse.
_LEAD_S = (0.02, 0.40)
# Share of the beats that a pulse precedes: pacing on demand fills in only some of them.
_SHARE = 0.5
# Atrium and ventricle get one pulse each; half as many again may be noise. More is noise.
_PER_BEAT = 3
# s of scatter about the usual distance: a pacemaker's delay is constant.
_SCATTER_S = 0.02


def paced(x: Array, fs: float, beats: Beats) -> bool | None:
    """Return whether spikes come at one distance before at least half of the beats.

    Args:
        x: `[leads, T]` in mV at the device's own rate.
        fs: that rate in Hz; None is returned below 240 Hz.
        beats: of the same stretch, at any rate.
    """
    if fs < MIN_FS:
        return None
    times = _spikes(x, fs) / fs
    middles = beats.at / beats.fs
    groups = 1 + np.count_nonzero(np.diff(times) > _SCATTER_S)
    if len(middles) == 0 or len(times) == 0 or groups > _PER_BEAT * len(middles):
        return False
    gaps = middles[:, None] - times[None, :]
    near = (gaps >= _LEAD_S[0]) & (gaps <= _LEAD_S[1])
    for gap in gaps[near]:
        hit = (np.abs(gaps - gap) <= _SCATTER_S).any(axis=1)
        if hit.sum() >= max(2, _SHARE * len(middles)):
            return True
    return False


def _spikes(x: Array, fs: float) -> npt.NDArray[np.intp]:
    """Return the samples `[n]` at which some lead spikes."""
    width = round(_WIDTH_S * fs) + 1
    if x.shape[1] <= 4 * width:
        return np.empty(0, np.intp)
    narrow = _prominence(x, width)
    limit = np.maximum(_HEIGHT_MV, _TIMES_NOISE * np.median(narrow[:, ::_EVERY], axis=1))
    high = narrow > limit[:, None]
    if not high.any():
        return np.empty(0, np.intp)
    # A wave's smooth top gains fourfold over twice the width, a spike gains nothing.
    sharp = _prominence(x, 2 * width) < _GAIN * narrow
    return np.flatnonzero((high & sharp).any(axis=0))


def _prominence(x: Array, width: int) -> Array:
    """Return how far each sample lies outside of the range of those `width` before and after."""
    out = np.zeros_like(x)
    middle, left, right = x[:, width:-width], x[:, : -2 * width], x[:, 2 * width :]
    above = middle - np.maximum(left, right)
    below = np.minimum(left, right) - middle
    out[:, width:-width] = np.maximum(np.maximum(above, below), 0)
    return out
