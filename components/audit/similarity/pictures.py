"""All pictures of a prepared cohort: sketched shard by shard, compared where they may be copies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter

from components.audit.similarity import register
from components.audit.similarity.banding import Pairs
from components.audit.similarity.basis import fit_basis
from components.audit.similarity.sketches import Sketches
from components.audit.similarity.traces import Floats
from components.core.data.arrays import ArrayPart

# Pixels of the longer side that are compared: a QRS complex is then still two wide.
_SIDE = 144
# Share of the longer side, about two leads high: what is darker than the mean around by more than
# the spread there is trace and caption; paper, shadow and the grid are not.
_AROUND = 0.108
# Grey levels: on blank paper noise is no ink.
_LEAST_SPREAD = 1.0
# Pixels of a block of the sketch, in which a turn of two degrees moves little.
_BLOCK = 8
# Pictures per batch: 256 of 192 × 288 are 14 MB of pixels.
_BATCH = 256
# Below this at the best turn and shift, no finer map makes a copy of it: copies turned by up to two
# degrees, darkened and coded anew reach 0.62 and more, the pages of two people 0.53 in 99 of 100
# pairs (134 pages, of one layout and of others).
COARSE = 0.6


def ink(pixels: npt.NDArray[np.uint8]) -> Floats:
    """Return `[B, h, w]` how much darker than its surroundings, of pictures `[B, C, H, W]`.

    High-passed after it was made small, so that what all pages share (captions' places, margins)
    weighs little.
    """
    dark = 255 - pixels.mean(axis=1, dtype=np.float32)
    longer = max(dark.shape[1:])
    mean, spread = _around(dark, max(3, round(_AROUND * longer)))
    trace = np.maximum(dark - mean - np.maximum(spread, _LEAST_SPREAD), 0)
    small = _blocked(trace, max(1, round(longer / _SIDE)))
    size = max(3, round(_AROUND * max(small.shape[1:])))
    return small - uniform_filter(small, size=(1, size, size), mode="nearest")


def _around(dark: Floats, size: int) -> tuple[Floats, Floats]:
    """Return mean and SD of each pixel's surroundings."""
    window = (1, size, size)
    mean = uniform_filter(dark, size=window, mode="nearest")
    square = uniform_filter(dark * dark, size=window, mode="nearest") - mean * mean
    return mean, np.sqrt(np.maximum(square, 0))


def _blocked(values: Floats, side: int) -> Floats:
    """Return `[B, h, w]` the means of squares of `side`; what is left at the edges is dropped."""
    side = max(1, min(side, *values.shape[1:]))
    high, wide = values.shape[1] // side, values.shape[2] // side
    cut = values[:, : high * side, : wide * side].reshape(-1, high, side, wide, side)
    return np.asarray(cut.mean(axis=(2, 4)), np.float32)


def sketch(part: ArrayPart) -> Sketches:
    """Return the sketches of all records that have a picture; memory holds one batch of them."""
    record = np.flatnonzero(part.there).astype(np.int64)
    blocks = [
        _blocks(ink(part.values(record[first : first + _BATCH])))
        for first in range(0, len(record), _BATCH)
    ]
    if not blocks:
        return Sketches(vectors=np.zeros((0, 1), np.float32), record=record)
    whole = np.concatenate(blocks)
    return Sketches(vectors=fit_basis(whole).sketch(whole), record=record)


def _blocks(inked: Floats) -> Floats:
    """Return `[B, F]` the ink's mean magnitude per block, standardised within the picture."""
    flat = _blocked(np.abs(inked), _BLOCK).reshape(len(inked), -1)
    flat -= flat.mean(axis=1, keepdims=True)
    sd = flat.std(axis=1, keepdims=True)
    return np.divide(flat, sd, out=np.zeros_like(flat), where=sd > 0)


def compare(part: ArrayPart, pairs: Pairs) -> Floats:
    """Return `register.agreement` `[P]` of every pair; -1 where they are nowhere near."""
    found = np.full(len(pairs), -1.0, np.float32)
    for number, (left, right) in enumerate(zip(pairs.left, pairs.right, strict=True)):
        one, two = ink(part.values(np.array([left, right])))
        near, start = register.coarse(one, two)
        if near >= COARSE:
            found[number] = register.agreement(one, two, start)
    return found
