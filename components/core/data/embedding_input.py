"""How one modality of embeddings becomes a record's array: the same for training and for requests.

Letters: `n` records, `P` patches of one, `T` vectors of all of them, `W` width.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from components.core.config.base import Frozen

Floats = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


class EmbeddingInput(Frozen):
    """How one modality was prepared.

    Attributes:
        width: W.
        pool: what several vectors of one patient come to; under `attention` the model weighs them.
        patches: under `attention`, how many a record's array holds; 0 where it is one vector.
        dtype: that arrays are stored in; what is sent is rounded likewise.
        min_quality: an embedding of lower quality counts as absent.
    """

    width: int = Field(ge=1)
    pool: Literal["mean", "max", "attention"] = "mean"
    patches: int = Field(default=0, ge=0)
    dtype: Literal["float16", "float32"] = "float32"
    min_quality: float = Field(default=0.0, ge=0, le=1)

    def prepared(self, values: Floats) -> tuple[Floats, Flags]:
        """Return one patient's array, `[W]` or `[patches, W]`, and `[patches]` which are there.

        Args:
            values: `[P, W]`, NaN where an entry is missing.
        """
        ends = np.array([0, len(values)], np.int64)
        if not self.patches:
            return pooled(values, ends, self.pool)[0].astype(self.dtype), np.ones(1, np.bool_)
        array, valid = spread(values, ends[:1], ends[1:], self.patches)
        return array[0].astype(self.dtype), valid[0]

    def nothing(self) -> tuple[Floats, Flags]:
        """Return the array of a patient without the modality, zeros, and that no patch is there."""
        shape = (self.patches, self.width) if self.patches else (self.width,)
        return np.zeros(shape, self.dtype), np.zeros(max(1, self.patches), np.bool_)


def pooled(vectors: Floats, offsets: Ints, pool: str) -> Floats:
    """Return `[n, W]` the mean or maximum of each record's vectors, over entries that are known.

    An entry that is missing (NaN) in all vectors of a record stays missing.

    Args:
        vectors: `[T, W]`.
        offsets: `[n + 1]` where each record's vectors begin; each has one at least.
        pool: `max`; anything else is the mean.
    """
    if len(vectors) == len(offsets) - 1:
        return vectors
    if pool == "max":
        return np.fmax.reduceat(vectors, offsets[:-1], axis=0)
    # Half precision would lose patches beyond 2,048.
    wide = vectors.astype(np.float64)
    known = ~np.isnan(wide)
    count = np.add.reduceat(known, offsets[:-1], axis=0, dtype=np.int64)
    total = np.add.reduceat(np.where(known, wide, 0.0), offsets[:-1], axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def spread(vectors: Floats, starts: Ints, ends: Ints, most: int) -> tuple[Floats, Flags]:
    """Return `[n, P, W]` vectors of each record, evenly spaced in their order, and `[n, P]` there.

    Args:
        vectors: `[T, W]`.
        starts: `[n]` first vector of each record.
        ends: `[n]` one past its last.
        most: `P`; a record of fewer vectors keeps all, and zeros follow them.
    """
    count = ends - starts
    kept = np.minimum(count, most)
    place = np.arange(most)
    there = place < kept[:, None]
    rows = starts[:, None] + np.where(there, place * count[:, None] // kept[:, None], 0)
    return np.where(there[..., None], vectors[rows], vectors.dtype.type(0)), there
