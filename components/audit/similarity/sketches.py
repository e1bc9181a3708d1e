"""Sketches of records, and which pairs of them are worth an exact look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.audit.similarity.banding import Allowed, Ints, Pairs, candidates
from components.audit.similarity.traces import Floats

# Up to so many records every pair is looked at: principal components of a few tell nothing apart.
_FEW = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class Sketches:
    """Sketches of records, one or several each.

    Attributes:
        vectors: `[M, D]` of unit length.
        record: `[M]` number of the record.
    """

    vectors: Floats
    record: Ints


def pairs_to_compare(sketches: Sketches, allowed: Allowed, *, least: float) -> Pairs:
    """Return the pairs of records that may be copies; of a few records all.

    Args:
        sketches: of all records.
        allowed: takes two arrays of records, returns which pairs are of interest.
        least: pairs whose best cosine is below are dropped.
    """
    own = np.unique(sketches.record)
    if len(own) > _FEW:
        return candidates(sketches.vectors, sketches.record, allowed, least=least)
    one, two = np.triu_indices(len(own), k=1)
    left, right = own[one], own[two]
    kept = allowed(left, right)
    left, right = left[kept], right[kept]
    none = np.zeros(len(left), np.int64)
    return Pairs(left=left, right=right, left_sketch=none, right_sketch=none,
                 cosine=np.ones(len(left), np.float32))  # fmt: skip
