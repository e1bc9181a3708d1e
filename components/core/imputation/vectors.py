"""Embeddings of some records as arrays, one vector a record.

Legend of shapes: `n` records, `M` modalities, `W` own width of a modality. Everything is on the
scale of a fold's batches: z-scores by the statistics of its training part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.errors import InputError
from components.core.modalities import EmbeddingModality

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
# Modality → `[n, W]`.
Values = Mapping[EmbeddingModality, Floats]


@dataclass(frozen=True, kw_only=True, eq=False)
class Vectors:
    """What is known of some records.

    Attributes:
        names: the modalities, in the order of the columns of `there`.
        entries: modality → `[n, W]`; NaN where a record lacks it, or an entry of it.
        there: `[n, M]` whether each record has each modality.
        patient: `[n]` ids.
    """

    names: tuple[EmbeddingModality, ...]
    entries: Values
    there: Flags
    patient: npt.NDArray[np.str_]

    def column(self, name: EmbeddingModality) -> Flags:
        """Return `[n]` whether each record has a modality."""
        return self.there[:, self.names.index(name)]

    def without(self, hidden: Flags) -> Vectors:
        """Return the same records as if what is `hidden` `[n, M]` had never been recorded."""
        entries: dict[EmbeddingModality, Floats] = {
            name: np.where(hidden[:, place, None], np.nan, self.entries[name])
            for place, name in enumerate(self.names)
        }
        return Vectors(
            names=self.names, entries=entries, there=self.there & ~hidden, patient=self.patient
        )


def centres(vectors: Vectors) -> dict[EmbeddingModality, Floats]:
    """Return modality → `[W]` mean of the known entries; 0 where none is known.

    About 0 for plain vectors, which are z-scores; not for patches pooled by their maximum.

    Raises:
        InputError: fewer than two records have a modality.
    """
    for name in vectors.names:
        if vectors.column(name).sum() < 2:
            raise InputError(
                f"fewer than two records of a training part have '{name}', so nothing can be said "
                "of imputing it; leave it out of preprocess.modalities"
            )
    return {name: mean_of_known(values) for name, values in vectors.entries.items()}


def mean_of_known(values: Floats) -> Floats:
    """Return `[W]` the mean of each column's entries that are no NaN; 0 of a column without any."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.asarray(total / np.maximum(known.sum(axis=0), 1), np.float64)
