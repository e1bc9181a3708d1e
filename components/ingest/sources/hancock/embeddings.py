"""Rows of a patient → embeddings whose entries have names.

Quality is the share of entries that are known; an embedding of which none is known is absent.
"""

from __future__ import annotations

import numpy as np

from components.core.modalities import EmbeddingModality
from components.ingest.records import EmbeddingRef, EmbeddingValues
from components.ingest.sources.hancock.fields import FIELDS, present
from components.ingest.sources.hancock.tables import Layout

# What the set's networks of stained tissue give of a core.
TISSUE_WIDTH = 512


def embeddings_of(
    patient: str, layout: Layout
) -> dict[EmbeddingModality, EmbeddingRef | EmbeddingValues]:
    """Return the embeddings that a patient has.

    Raises:
        RecordError: a cell holds no number, or a category that is none of the set's.
    """
    found: dict[EmbeddingModality, EmbeddingRef | EmbeddingValues] = {}
    for name, fields in FIELDS.items():
        line = layout.tables[name].get(patient)
        row = None if line is None else line.cells
        columns = [entry for each in fields for entry in each.entries]
        values = [np.nan] * len(columns)
        if row is not None and name == "emb_semantic":
            values = [present(row, each) for each in fields]
        elif row is not None:
            values = [v for each in fields for v in each.values(row, coded=layout.coded)]
        if name == "emb_spatial" and layout.tissue:
            tissue = layout.tissue.get(patient, np.full(TISSUE_WIDTH, np.nan, np.float32))
            columns = [*columns, *(f"tissue_{place:03d}" for place in range(TISSUE_WIDTH))]
            values = [*values, *tissue.tolist()]
        with np.errstate(over="ignore"):  # what is beyond single precision is refused by ingest
            vector = np.array([values]).astype(np.float32)
        known = float((~np.isnan(vector)).mean())
        if known:
            found[name] = EmbeddingValues(values=vector, quality=known, columns=tuple(columns))
    return found
