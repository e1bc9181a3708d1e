"""How one modality of embeddings becomes a record's array: the same for training and for requests.

Shapes: P patches of one patient, W width of the modality.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from components.core.config.base import Frozen

Floats = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]


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
        if not self.patches:
            return pooled(values, self.pool).astype(self.dtype), np.ones(1, np.bool_)
        kept = values[spaced(len(values), self.patches)]
        array, valid = self.nothing()
        array[: len(kept)], valid[: len(kept)] = kept, True
        return array, valid

    def nothing(self) -> tuple[Floats, Flags]:
        """Return the array of a patient without the modality, zeros, and that no patch is there."""
        shape = (self.patches, self.width) if self.patches else (self.width,)
        return np.zeros(shape, self.dtype), np.zeros(max(1, self.patches), np.bool_)


def pooled(values: Floats, pool: Literal["mean", "max", "attention"]) -> Floats:
    """Return `[W]` in the type of `values`, the mean or the largest entry over patches.

    Args:
        values: `[P, W]`; entries that are NaN (missing) do not count, and the answer's are NaN
            where every patch's is.
        pool: under `attention`, patches are the model's, and one alone is left as it is.

    Raises:
        ValueError: several under `attention`.
    """
    if len(values) == 1:
        return values[0]
    if pool == "attention":
        raise ValueError("under attention, several patches are not pooled")
    if pool == "max":
        return np.asarray(np.fmax.reduce(values, axis=0))
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(axis=0, dtype=np.float64)
    count = known.sum(axis=0)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean.astype(values.dtype)


def spaced(count: int, most: int) -> npt.NDArray[np.int64]:
    """Return which of `count` patches are kept: all, or `most` evenly spaced in their order.

    >>> spaced(3, 4).tolist(), spaced(10, 4).tolist()
    ([0, 1, 2], [0, 2, 5, 7])
    """
    kept = min(count, most)
    return np.arange(kept, dtype=np.int64) * count // kept
