"""Anti-aliased resampling with a Kaiser-windowed sinc, linear phase, delay removed.

With f the lower of the two rates, the filter passes to 0.4 f within 0.5 % and is at least 60 dB
down from 0.6 f. Output sample m lies at time m / fs_out, so the first samples coincide; there are
ceil(T · fs_out / fs_in) of them.

Edges: the signal is continued point-symmetrically about its first and last sample (2·x₀ − x),
which keeps level and slope, so that neither a constant nor a ramp bends there.

A ratio of small integers p/q repeats every p outputs: a block of outputs is one banded matrix
product, which runs at the speed of BLAS. Any other ratio evaluates the same kernel at every
output's own phase.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from components.core.signals.units import check_fs

Array = npt.NDArray[np.float32]

# Pass and stop edge in shares of the lower rate; the cut-off lies between them.
PASS_EDGE, STOP_EDGE = 0.4, 0.6
# 60 dB are promised; normalising each phase to unit gain at 0 Hz costs up to 4 dB of them.
_ATTENUATION_DB = 66.0
# Kaiser 1974: shape parameter and length for an attenuation above 50 dB.
_BETA = 0.1102 * (_ATTENUATION_DB - 8.7)
_LENGTH = (_ATTENUATION_DB - 7.95) / (2.285 * 2 * math.pi * (STOP_EDGE - PASS_EDGE))
# Outputs per matrix block: smaller blocks waste less on the band's zeros, larger ones run faster.
_BLOCK = 32
# A banded matrix up to this many entries (2 MB) stays in the cache of a core.
_MATRIX_ENTRIES = 500_000
# Outputs for which the direct kernel is evaluated at a time, to bound its memory (some 25 MB).
_CHUNK = 65_536


@dataclass(frozen=True, eq=False)
class _Bank:
    """A block of outputs as a matrix `[rows, outputs]`; row 0 lies `reach` inputs before it."""

    matrix: Array
    reach: int
    inputs: int
    outputs: int


@lru_cache(maxsize=256)
def ratio(fs_in: float, fs_out: float) -> Fraction:
    """Return fs_out / fs_in as the exact fraction of the two decimal numbers."""
    return Fraction(str(fs_out)) / Fraction(str(fs_in))


def output_length(samples: int, fs_in: float, fs_out: float) -> int:
    """Return how many samples `resample` makes of `samples`."""
    return math.ceil(samples * ratio(fs_in, fs_out))


def half_width(fs_in: float, fs_out: float) -> int:
    """Return how many input samples to either side an output depends on."""
    return math.ceil(_support(ratio(fs_in, fs_out)))


def resample(x: Array, fs_in: float, fs_out: float) -> Array:
    """Return `x` `[..., T]` float32, finite, taken from `fs_in` to `fs_out` Hz.

    Raises:
        RecordError: `absurd_fs` when a rate is outside what ECGs are recorded at.
        ValueError: there is no sample.
    """
    change = ratio(check_fs(fs_in), check_fs(fs_out))
    if x.shape[-1] == 0:
        raise ValueError("there is no sample to resample")
    if change == 1:
        return x.astype(np.float32)
    flat = np.ascontiguousarray(x, np.float32).reshape(-1, x.shape[-1])
    bank = _bank(change.numerator, change.denominator)
    out = _direct(flat, change) if bank is None else _blocks(flat, bank, change)
    return out.reshape(*x.shape[:-1], -1)


def _support(change: Fraction) -> float:
    """Return half the kernel's length in input samples."""
    return _LENGTH / 2 / min(1.0, float(change))


def _kernel(distance: npt.NDArray[np.float64], change: Fraction) -> npt.NDArray[np.float64]:
    """Return the low-pass at `distance` input samples, each last-axis phase with unit sum."""
    support = _support(change)
    inside = np.clip(1 - np.square(distance / support), 0, None)
    window = np.where(np.abs(distance) <= support, np.i0(_BETA * np.sqrt(inside)), 0.0)
    cut = min(1.0, float(change)) * (PASS_EDGE + STOP_EDGE)
    taps = np.sinc(cut * distance) * window
    return taps / taps.sum(axis=-1, keepdims=True)


@lru_cache(maxsize=32)
def _bank(p: int, q: int) -> _Bank | None:
    """Return the block matrix for p outputs per q inputs, or None where it would be too large."""
    repeats = max(1, _BLOCK // p)
    outputs, inputs = p * repeats, q * repeats
    reach = math.ceil(_support(Fraction(p, q)))
    rows = inputs + 2 * reach + 1
    if outputs * rows > _MATRIX_ENTRIES:
        return None
    at = np.arange(outputs)[:, None] * q / p - (np.arange(rows) - reach)[None, :]
    matrix = np.ascontiguousarray(_kernel(at, Fraction(p, q)).T, np.float32)
    matrix.setflags(write=False)
    return _Bank(matrix, reach, inputs, outputs)


def _extend(x: Array, before: int, after: int) -> Array:
    """Return `x` `[rows, T]` continued point-symmetrically about its end samples."""
    if x.shape[-1] == 1:
        return np.pad(x, ((0, 0), (before, after)), mode="edge")
    if max(before, after) >= x.shape[-1]:
        return np.pad(x, ((0, 0), (before, after)), mode="reflect", reflect_type="odd")
    out = np.empty((x.shape[0], before + x.shape[1] + after), np.float32)
    out[:, before : before + x.shape[1]] = x
    out[:, :before] = 2 * x[:, :1] - x[:, before:0:-1]
    out[:, before + x.shape[1] :] = 2 * x[:, -1:] - x[:, -2 : -2 - after : -1]
    return out


def _blocks(x: Array, bank: _Bank, change: Fraction) -> Array:
    """Resample `[rows, T]` by one matrix product over all blocks."""
    wanted = math.ceil(x.shape[1] * change)
    blocks = -(-wanted // bank.outputs)
    taken = (blocks - 1) * bank.inputs + bank.matrix.shape[0]
    extended = _extend(x, bank.reach, bank.reach + 1)
    if extended.shape[1] < taken:  # the last block's unused outputs
        extended = np.pad(extended, ((0, 0), (0, taken - extended.shape[1])))
    windows = np.lib.stride_tricks.sliding_window_view(extended, bank.matrix.shape[0], axis=1)
    blocked = windows[:, : taken : bank.inputs][:, :blocks]
    return (blocked @ bank.matrix).reshape(x.shape[0], -1)[:, :wanted]


def _direct(x: Array, change: Fraction) -> Array:
    """Resample `[rows, T]` by the kernel at each output's own phase."""
    reach = math.ceil(_support(change))
    extended = _extend(x, reach, reach + 1)
    wanted = math.ceil(x.shape[1] * change)
    offsets = np.arange(2 * reach + 2)
    parts: list[Array] = []
    for first in range(0, wanted, _CHUNK):
        place = np.arange(first, min(first + _CHUNK, wanted)) / float(change)
        base = np.floor(place).astype(np.intp)
        taps = _kernel((place - base + reach)[:, None] - offsets, change).astype(np.float32)
        index = base[:, None] + offsets
        parts.append(np.stack([np.einsum("mt,mt->m", row[index], taps) for row in extended]))
    return np.concatenate(parts, axis=1)
