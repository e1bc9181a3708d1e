"""Leads that an amplifier or a loose electrode spoils: still stretches, rails, absurd excursions.

Shapes: `[leads, T]` at the device's own rate in mV; answers `[leads]`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

# s. At 30 beats per minute a complex comes every 2 s, so a living lead is never still that long.
_STILL_S, _BLOCK_S = 2.0, 0.5
# mV. A third of the 30 uV of noise that IEC 60601-2-25 allows: a living lead is never that quiet.
_STILL_MV = 0.01
# s. A peak's highest count lasts some 10 ms (0.5 mV T wave, SD 50 ms, 5 uV counts).
_RAIL_S = 0.02
# mV from the lead's mean. No amplifier has a smaller range, and baselines lie nearer.
_RAIL_MV = 1.0
# Counts by which a rail is reached or left in one sample; a smooth wave's top is left by one.
_KINK = 4
# mV per count where the source has none: the usual 5 uV of an electrocardiograph.
_DEFAULT_LSB = 0.005
# mV about the lead's median, and for how long in s. IEC 60601-2-25 asks for no more than ±5 mV.
_RANGE_MV, _RANGE_S = 5.0, 0.04


def still(x: Array, fs: float) -> Bools:
    """Return which leads do not move (10 µV) for 2 s or longer, or for all of a shorter strip."""
    width = max(2, round(_BLOCK_S * fs))
    blocks = max(1, x.shape[1] // width)
    width = min(width, x.shape[1])
    block = x[:, : blocks * width].reshape(len(x), blocks, width)
    run = min(blocks, round(_STILL_S / _BLOCK_S))
    found = np.zeros(len(x), np.bool_)
    # Any run of so many neighbours holds one of these, and a living lead's are not quiet.
    few = np.flatnonzero((_range(block[:, run - 1 :: run]) < _STILL_MV).any(axis=1))
    if few.size:
        found[few] = _has_run(_range(block[few]) < _STILL_MV, run)
    return found


def saturated(x: Array, fs: float, lsb: npt.NDArray[np.floating]) -> Bools:
    """Return which leads stand at a rail: 20 ms on one extreme value, reached or left abruptly.

    Args:
        x: `[leads, T]` in mV.
        fs: sampling rate in Hz.
        lsb: `[leads]`, mV per count; NaN takes 5 µV.
    """
    run = max(3, round(_RAIL_S * fs))
    kink = _KINK * np.where(np.isfinite(lsb), lsb, _DEFAULT_LSB)
    found = np.zeros(len(x), np.bool_)
    for extreme in (x.max(axis=1), x.min(axis=1)):
        # Any so long a run holds one of these samples, so that hardly a lead needs the rest.
        near = (x[:, run - 1 :: run] == extreme[:, None]).any(axis=1)
        for lead in np.flatnonzero(near & ~found):
            if np.abs(extreme[lead] - x[lead].mean()) >= _RAIL_MV:
                found[lead] = _rail(x[lead], float(extreme[lead]), run, float(kink[lead]))
    return found


def _rail(x: Array, extreme: float, run: int, kink: float) -> bool:
    at = x == extreme
    if np.count_nonzero(at) < run:
        return False
    edges = np.flatnonzero(np.diff(np.concatenate([[False], at, [False]]).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2):
        before = abs(float(x[start - 1]) - extreme) if start else 0.0
        after = abs(float(x[stop]) - extreme) if stop < len(x) else 0.0
        whole = start == 0 and stop == len(x)
        if stop - start >= run and (max(before, after) >= kink or whole):
            return True
    return False


def overrange(x: Array, fs: float) -> Bools:
    """Return which leads leave ±5 mV about their median for 40 ms or longer in all."""
    beyond = _range(x) > _RANGE_MV  # spares the median of ordinary leads
    found = np.zeros(len(x), np.bool_)
    for lead in np.flatnonzero(beyond):
        outside = np.abs(x[lead] - np.median(x[lead])) > _RANGE_MV
        found[lead] = np.count_nonzero(outside) >= _RANGE_S * fs
    return found


def _range(x: Array) -> Array:
    return x.max(axis=-1) - x.min(axis=-1)


def _has_run(true: Bools, length: int) -> Bools:
    """Return `[leads]`: whether `true` `[leads, n]` holds `length` neighbours in a row."""
    total = np.cumsum(true, axis=1)
    first = np.concatenate([np.zeros((len(true), 1), total.dtype), total[:, :-length]], axis=1)
    return (total[:, length - 1 :] - first == length).any(axis=1)
