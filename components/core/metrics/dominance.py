"""Weighted counts of concordant pairs for many draws at once, in O(n log n) per draw.

A pair (i, j) counts where `key[i] < key[j]`: the event of i came while j was known to be free of
it. It is concordant where the score of i is the higher one, half so where the scores tie.

Rows are sorted by key and split in halves, quarters and so on. Every pair lies in the left and the
right half of one block of one level, so that a running sum over the block's rows by score gives
what each row on the left beats on the right. All orders are found once; a draw costs one cumulative
sum per level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.metrics.checks import FloatArray, IntArray

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Level:
    """One level of the halving.

    Attributes:
        right: `[r]` rows on the right of their block, by block and then by score.
        left: `[l]` rows on the left.
        start: `[l]` where the left row's block begins among `right`.
        below: `[l]` where the rows of a score as high as the left row's begin.
        upto: `[l]` where they end.
    """

    right: IntArray
    left: IntArray
    start: IntArray
    below: IntArray
    upto: IntArray


@dataclass(frozen=True, eq=False)
class Pairs:
    """Everything about the comparable pairs that no draw changes.

    Attributes:
        levels: of the halving.
        order: `[n]` rows by key.
        later: `[n]` place in `order` after which the keys are greater than the row's own.
    """

    levels: tuple[_Level, ...]
    order: IntArray
    later: IntArray


def pairs(key: FloatArray, score: FloatArray, *, first: Bools, second: Bools) -> Pairs:
    """Return the pairs of a row of `first` and a row of `second` with a greater key.

    Args:
        key: `[n]` i is compared with j where `key[i] < key[j]`.
        score: `[n]` the higher one should belong to the lower key.
        first: `[n]` rows that may stand as i.
        second: `[n]` rows that may stand as j.
    """
    order = np.argsort(key, kind="stable")
    later = np.searchsorted(key[order], key, side="right")
    # Equal keys share a place, so that no block tears them apart into a pair.
    place = np.searchsorted(np.unique(key), key)
    ranked = np.searchsorted(np.unique(score), score)
    levels: list[_Level] = []
    width = 1
    while width <= place.max():
        side, block = (place // width) % 2, place // (2 * width)
        level = _level(
            np.flatnonzero(first & (side == 0)), np.flatnonzero(second & (side == 1)), block, ranked
        )
        if level.left.size and level.right.size:
            levels.append(level)
        width *= 2
    return Pairs(tuple(levels), order, later)


def _level(left: IntArray, right: IntArray, block: IntArray, ranked: IntArray) -> _Level:
    stride = int(ranked.max()) + 1
    joint = block * stride + ranked
    right = right[np.argsort(joint[right], kind="stable")]
    have = joint[right]
    return _Level(
        right,
        left,
        start=np.searchsorted(have, block[left] * stride, side="left"),
        below=np.searchsorted(have, joint[left], side="left"),
        upto=np.searchsorted(have, joint[left], side="right"),
    )


def concordant(known: Pairs, first: FloatArray, second: FloatArray) -> FloatArray:
    """Return `[D]` the weight of concordant pairs, ties one half.

    Args:
        known: the pairs.
        first: `[n, D]` weight of each row as i.
        second: `[n, D]` weight of each row as j.
    """
    found = np.zeros(first.shape[1])
    for level in known.levels:
        sums = _running(second[level.right])
        half = 0.5 * (sums[level.below] + sums[level.upto]) - sums[level.start]
        found += np.einsum("nd,nd->d", first[level.left], half)
    return found


def comparable(known: Pairs, first: FloatArray, second: FloatArray) -> FloatArray:
    """Return `[D]` the weight of all comparable pairs; arguments as in `concordant`."""
    sums = _running(second[known.order])
    return np.einsum("nd,nd->d", first, sums[-1] - sums[known.later])


def _running(values: FloatArray) -> FloatArray:
    """Return `[n + 1, D]` sums of the rows before each place."""
    sums = np.zeros((values.shape[0] + 1, values.shape[1]))
    np.cumsum(values, axis=0, out=sums[1:])
    return sums
