"""Signals made comparable: one low rate, no offset, no wander, unit variance per lead.

What is left is blind to what copies of a recording differ in: gain (also per lead), offset, unit,
sampling rate, baseline and mains filters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d

Floats = npt.NDArray[np.float32]

# Hz; a resting ECG's energy lies below 40 Hz (Thakor et al. 1984), which 125 Hz still holds.
RATE = 125.0
# Seconds: subtracting a running mean of 0.6 s is a high-pass at about 0.7 Hz, as monitors have it.
_BASELINE = 0.6
# Samples: a running mean of 3 at 125 Hz has its zero near mains frequency (41.7 Hz).
_SMOOTH = 3
# One artefact must not set the scale of a lead.
_MOST_SD = 8.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Traces:
    """Comparable signals.

    Attributes:
        signal: `[B, L, T]`, zero mean and unit variance over real samples; 0 in padding and in
            leads that are missing or flat.
        valid: `[B, 2]` first real sample and one after the last.
        fs: their rate in Hz.
    """

    signal: Floats
    valid: npt.NDArray[np.int64]
    fs: float


def make_traces(
    counts: npt.NDArray[np.int16],
    mask: npt.NDArray[np.bool_],
    valid: npt.NDArray[np.int32],
    fs: float,
) -> Traces:
    """Return comparable signals.

    Args:
        counts: `[B, L, T]` as stored; the unit per count does not matter.
        mask: `[B, L]`, False where a lead is missing or flat.
        valid: `[B, 2]` first real sample and one after the last.
        fs: sampling rate in Hz.
    """
    block = max(1, round(fs / RATE))
    length = counts.shape[2] // block
    # int16 sums of a few counts need no more than int32; adding slices is faster than a reduction.
    x = counts[..., : length * block : block].astype(np.float32)
    for offset in range(1, block):
        x += counts[..., offset : length * block : block]
    # A block that is partly padding is not real.
    bounds = np.stack([-(-valid[:, 0] // block), valid[:, 1] // block], axis=1).astype(np.int64)
    rate = fs / block
    time = np.arange(length)
    inside = ((time >= bounds[:, :1]) & (time < bounds[:, 1:]))[:, None, :]
    count = np.maximum(bounds[:, 1] - bounds[:, 0], 1)[:, None, None].astype(np.float32)
    x = _centred(x, inside, count)
    x -= uniform_filter1d(x, max(1, round(_BASELINE * rate)), axis=-1, mode="nearest")
    x = uniform_filter1d(x, _SMOOTH, axis=-1, mode="nearest")
    x = _centred(x, inside, count)
    sd = np.sqrt((x * x).sum(axis=-1, keepdims=True) / count)
    there = mask[:, :, None] & (sd > 0)
    x *= np.divide(1.0, sd, out=np.zeros_like(sd), where=there)
    np.clip(x, -_MOST_SD, _MOST_SD, out=x)
    return Traces(signal=x, valid=bounds, fs=rate)


def _centred(x: Floats, inside: npt.NDArray[np.bool_], count: Floats) -> Floats:
    x *= inside
    x -= x.sum(axis=-1, keepdims=True) / count
    x *= inside
    return x
