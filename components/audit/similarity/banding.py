"""Candidate pairs out of many sketches in linear time (locality-sensitive hashing).

Signs of random projections are the code (Charikar 2002): two sketches at an angle θ agree in a bit
with probability 1 − θ/π. Several tables of short codes are sorted, and only neighbours in a sorted
table are compared (sorted neighbourhood, Hernández and Stolfo 1995), so that time and memory grow
with the number of sketches even where thousands share a code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from components.audit.similarity.traces import Floats

Ints = npt.NDArray[np.int64]
Allowed = Callable[[Ints, Ints], npt.NDArray[np.bool_]]

# At a cosine of 0.95 a 20-bit code agrees with probability 0.11, in one of 12 tables with 0.75;
# a copy has up to eight windows in common, so that one of them nearly surely meets.
TABLES = 12
_FEWEST_BITS, _MOST_BITS = 8, 30
# Neighbours looked at in a sorted table. Codes have about one bit per doubling of the sketches, so
# that a code is shared by chance by one or two.
NEIGHBOURS = 8
# Pairs kept per record, the nearest first: bounds the exact comparisons.
MOST_PAIRS = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Pairs of records that may be copies, `[P]` each.

    Attributes:
        left: record with the lower number.
        right: the other one.
        left_sketch: sketch of the left record that came nearest.
        right_sketch: the right record's.
        cosine: between those two, in [-1, 1].
    """

    left: Ints
    right: Ints
    left_sketch: Ints
    right_sketch: Ints
    cosine: Floats

    def __len__(self) -> int:
        return len(self.left)

    def take(self, rows: Ints | npt.NDArray[np.bool_] | slice) -> Pairs:
        """Return some of the pairs."""
        return Pairs(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def candidates(
    sketches: Floats,
    owner: Ints,
    allowed: Allowed,
    *,
    least: float,
    seed: int = 0,
) -> Pairs:
    """Return pairs of records that may be copies, each once, with its nearest sketches.

    Args:
        sketches: `[M, D]` of unit length.
        owner: `[M]` record of each sketch.
        allowed: takes two arrays of records, returns which pairs are of interest.
        least: pairs whose best cosine is below are dropped.
        seed: of the random projections.
    """
    found: list[Pairs] = []
    for table in range(TABLES):
        for one, two in _table(sketches, (seed, table)):
            found.append(_kept(sketches, owner, (one, two), allowed, least))
    none = np.zeros(0, np.int64)
    found.append(Pairs(left=none, right=none, left_sketch=none, right_sketch=none,
                       cosine=np.zeros(0, np.float32)))  # fmt: skip
    joined = {f.name: np.concatenate([getattr(p, f.name) for p in found]) for f in fields(Pairs)}
    return _nearest(_once(Pairs(**joined)))


def _table(sketches: Floats, key: tuple[int, int]) -> Iterator[tuple[Ints, Ints]]:
    if len(sketches) < 2:
        return
    bits = int(np.clip(np.ceil(np.log2(len(sketches))), _FEWEST_BITS, _MOST_BITS))
    rng = np.random.default_rng(key)
    planes = rng.standard_normal((sketches.shape[1], bits + 1)).astype(np.float32)
    projected = sketches @ planes
    code = (projected[:, :bits] > 0) @ (1 << np.arange(bits, dtype=np.int64))
    # Within a code, order by one more projection: near ones stay neighbours in a crowd.
    order = np.lexsort((projected[:, bits], code))
    code = code[order]
    for distance in range(1, min(NEIGHBOURS, len(order) - 1) + 1):
        same = code[distance:] == code[:-distance]
        yield order[:-distance][same], order[distance:][same]


def _kept(
    sketches: Floats, owner: Ints, pairs: tuple[Ints, Ints], allowed: Allowed, least: float
) -> Pairs:
    one, two = pairs
    swap = owner[one] > owner[two]
    one, two = np.where(swap, two, one), np.where(swap, one, two)
    wanted = owner[one] != owner[two]
    wanted[wanted] = allowed(owner[one[wanted]], owner[two[wanted]])
    one, two = one[wanted], two[wanted]
    cosine = np.einsum("pd,pd->p", sketches[one], sketches[two])
    near = cosine >= least
    one, two = one[near], two[near]
    return Pairs(
        left=owner[one], right=owner[two], left_sketch=one, right_sketch=two, cosine=cosine[near]
    )


def _once(pairs: Pairs) -> Pairs:
    """Return each pair of records once, with its best cosine."""
    pairs = pairs.take(np.lexsort((-pairs.cosine, pairs.right, pairs.left)))
    first = np.ones(len(pairs), dtype=np.bool_)
    first[1:] = (np.diff(pairs.left) != 0) | (np.diff(pairs.right) != 0)
    return pairs.take(first)


def _nearest(pairs: Pairs) -> Pairs:
    """Return the pairs that are among the `MOST_PAIRS` nearest of either record."""
    kept = np.zeros(len(pairs), dtype=np.bool_)
    for side in (pairs.left, pairs.right):
        order = np.lexsort((-pairs.cosine, side))
        sorted_side = side[order]
        start = np.searchsorted(sorted_side, sorted_side)
        kept[order] |= np.arange(len(order)) - start < MOST_PAIRS
    return pairs.take(kept)
