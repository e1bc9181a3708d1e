"""Where each lead's waves begin and end, by peak prominence, for many leads and beats at once.

The delineator is neurokit2's `prominence` (Emrich, Gargano, Koka & Muma, EUSIPCO 2024:1402). It
looks from half an RR interval before an R peak to half of one after, which at 100 beats a minute
cuts T off, and its answer names no beat. So every beat of every lead gets a block of its own, R in
the middle, what belongs to its neighbours replaced by the last value before; the blocks stand one
after the other in a single signal. That is one call a record, too.
"""

from __future__ import annotations

import warnings
from typing import Any, cast

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

WAVES = ("P", "QRS", "T")
# s to either side of R: the longest QT is below that, and so is the longest PR interval with P.
_HALF_BLOCK_S = 0.7
# Share of an RR interval before the R peak that belongs to the P wave that follows, not to the T
# wave before: diastole shortens with the rate, so a share and not a time.
_BEFORE = 0.42
# s. The R peak of a lead lies within this of the QRS complex's middle (normal limit 0.12 s wide).
_R_S = 0.06
_KEYS = tuple((f"ECG_{name}_Onsets", f"ECG_{name}_Offsets") for name in ("P", "R", "T"))


def waves(y: Floats, at: Indices, fs: float, *, qrs_ms: float) -> Floats:
    """Return `[K, beats, 3, 2]` onset and offset of P, QRS and T, in samples; NaN where absent.

    QRS complexes are found by a positive deflection: of a lead with a deep S alone, the feet are
    those of its small R.

    Args:
        y: `[K, T]` without baseline wander, in any unit.
        at: `[beats]`, two or more, sample of each QRS complex's middle in all leads.
        fs: sampling rate in Hz.
        qrs_ms: width of the window about the R peak in which a complex's feet are sought; the
            library's own is 100.
    """
    half = round(_HALF_BLOCK_S * fs)
    peaks = _peaks(y, at, round(_R_S * fs))
    around = peaks[:, :, None] + np.arange(-half, half)
    first, last = _bounds(at, y.shape[1])
    around = np.clip(around, first[:, None], last[:, None])
    blocks = np.take_along_axis(y[:, None, :], around, axis=2)
    found = _delineated(blocks, fs, qrs_ms)
    return found + (peaks - half)[:, :, None, None]


def _peaks(y: Floats, at: Indices, reach: int) -> Indices:
    """Return `[K, beats]`, each lead's highest sample within `reach` of a complex's middle."""
    near = np.clip(at[:, None] + np.arange(-reach, reach + 1), 0, y.shape[1] - 1)
    top = y[:, near].argmax(axis=2)
    return np.take_along_axis(near[None], top[:, :, None], axis=2)[:, :, 0]


def _bounds(at: Indices, length: int) -> tuple[Indices, Indices]:
    """Return the first and the last sample that belong to each beat."""
    apart = np.diff(at)
    usual = np.median(apart)
    before = np.round(_BEFORE * np.append(usual, apart)).astype(np.intp)
    after = np.round((1 - _BEFORE) * np.append(apart, usual)).astype(np.intp)
    return np.maximum(at - before, 0), np.minimum(at + after, length - 1)


def _delineated(blocks: Floats, fs: float, qrs_ms: float) -> Floats:
    """Return `[K, beats, 3, 2]` in samples from the start of each block `[K, beats, samples]`."""
    count, size = blocks.shape[0] * blocks.shape[1], blocks.shape[2]
    starts = np.arange(count) * size
    # One sample ahead: the library drops a wave that begins at sample 0, and with it its place in
    # the list.
    flat = np.concatenate([blocks[0, 0, :1], blocks.reshape(-1)])
    said = _neurokit(flat, starts + size // 2 + 1, fs, qrs_ms)
    found = np.array([[said[key] for key in pair] for pair in _KEYS], np.float64)
    return np.moveaxis(found - starts - 1, 2, 0).reshape(*blocks.shape[:2], len(WAVES), 2)


def _neurokit(flat: Floats, peaks: Indices, fs: float, qrs_ms: float) -> dict[str, list[float]]:
    with warnings.catch_warnings():
        # Of pandas, and of peaks without prominence in a lead that is nearly silent.
        warnings.simplefilter("ignore")
        import neurokit2  # 2 s: it brings scikit-learn and matplotlib

        said = cast(Any, neurokit2).ecg_delineate(
            flat,
            peaks,
            sampling_rate=fs,
            method="prominence",
            max_r_basepoint_interval=qrs_ms,
        )
    return said[1]
