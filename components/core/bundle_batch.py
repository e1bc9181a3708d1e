"""One row of a request as the batch of one record that a network takes in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from components.core.bundle_inputs import Row, known, notes, tabular_cells
from components.core.bundle_text import text_vectors
from components.core.data.batches import Batch
from components.core.data.foldstats import FoldStats
from components.core.data.texts import TextStats
from components.core.signals.prepare import Prepared
from components.core.signals.quantise import quantise


def ecg_batch(prepared: Prepared) -> Batch:
    """Return a prepared ECG as training reads it: int16 counts, their scale and masks."""
    counts, scale = quantise(prepared)
    batch: Batch = {
        "ecg": torch.from_numpy(counts[None]),
        "ecg_scale": torch.from_numpy(scale[None]),
        "ecg_lead_mask": torch.from_numpy(prepared.lead_mask[None].astype(np.float32)),
    }
    if prepared.flags["padded"]:
        batch["ecg_valid"] = torch.tensor([[prepared.start, prepared.stop]])
    return batch


def tabular_batch(stats: FoldStats, row: Row, features: dict[str, str]) -> Batch:
    """Return the clinical fields, with a mask where the model has arrays or events beside them.

    Raises:
        InputError: a numeric feature holds no finite number, or a feature several values.
    """
    encoder = stats.tabular
    if not encoder.features:
        return {}
    batch = {"tabular": torch.from_numpy(encoder.encode(tabular_cells(row, features)))}
    if (
        stats.arrays or stats.events is not None
    ):  # as `raw_batch`: elsewhere a patient without any field has each missing
        batch["tabular_mask"] = torch.tensor([float(any_known(row, encoder.columns))])
    return batch


def any_known(row: Mapping[Any, Any], columns: Iterable[str]) -> bool:
    """Return whether a row has a value in one of the columns; a blank text is none.

    Raises:
        InputError: a column holds several values.
    """
    return any(known(row.get(name), name) is not None for name in columns)


def text_batch(stats: TextStats, row: Row, *, masked: bool, folder: str) -> Batch:
    """Return a row's notes as the vector that training made of its own, zeros without notes.

    Args:
        stats: what the training notes taught.
        row: of the request.
        masked: training did not see mentions of the ejection fraction.
        folder: of the frozen encoder, where the model has one.
    """
    note = notes(row, masked=masked)
    vector = np.zeros((1, len(stats.mean)), np.float32)
    if note is not None:
        vector = text_vectors(stats, [note], folder)
    return {
        "text": torch.from_numpy(vector),
        "text_mask": torch.tensor([0.0 if note is None else 1.0]),
    }
