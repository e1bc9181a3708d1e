"""Bands of a strip's spectrum, which is taken once for all who look at it.

Shapes: `[leads, T]` in, `[leads, bins]` complex, with T // 2 + 1 bins from 0 Hz to fs / 2.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from numpy import fft

Array = npt.NDArray[np.float32]
Spectrum = npt.NDArray[np.complex64]
# Lengths and rates that a site's recordings come in, times the bands asked for.
_KEPT = 64


def spectrum(x: Array) -> Spectrum:
    """Return the spectrum of `x`."""
    return np.asarray(fft.rfft(x, axis=1), np.complex64)


def band(x: Array, parts: tuple[slice, ...], *, of: Spectrum | None = None) -> Array:
    """Return `[leads, T]`: `x` without what lies outside of the bins in `parts`.

    Args:
        x: the strip.
        parts: of `bins`.
        of: `spectrum(x)`, where it is there already.
    """
    whole = spectrum(x) if of is None else of
    kept = np.zeros_like(whole)
    for part in parts:
        kept[:, part] = whole[:, part]
    return np.asarray(fft.irfft(kept, x.shape[1], axis=1), np.float32)


@lru_cache(maxsize=_KEPT)
def bins(
    length: int, fs: float, hz: tuple[float, float], lines: tuple[tuple[float, float], ...] = ()
) -> tuple[slice, ...]:
    """Return the runs of bins from `hz[0]` to `hz[1]`.

    Args:
        length: samples of the strip.
        fs: sampling rate in Hz.
        hz: lowest and highest frequency.
        lines: `(frequency, half width)` in Hz of what is left out of them.
    """
    frequency = fft.rfftfreq(length, 1 / fs)
    keep = (frequency >= hz[0]) & (frequency <= hz[1])
    for line, half in lines:
        keep &= np.abs(frequency - line) > half
    edges = np.flatnonzero(np.diff(np.concatenate([[False], keep, [False]]).astype(np.int8)))
    return tuple(slice(int(start), int(stop)) for start, stop in edges.reshape(-1, 2))
