"""Records in lots that fit into memory, and what of each lot is there to be explained."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from components.core.attribution.groups import (
    Grouped,
    Segments,
    of_ecg,
    of_modalities,
    of_tabular,
    variables,
)
from components.core.data.batches import Batch
from components.core.errors import CardioError
from components.explain.subject import Subject

Index = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
# Rows that a network is asked at once. With gradients kept, one row of 8 × 5,000 samples takes
# about 6 MB in the default network (21 activations of 32 to 128 channels).
POINTS = 64
# Records of a lot; several steps or groups of each are asked at once.
RECORDS = 16


def lots(index: Index) -> Iterator[Index]:
    """Yield the record numbers, `RECORDS` at a time."""
    for start in range(0, len(index), RECORDS):
        yield index[start : start + RECORDS]


def at_once(batch: Batch) -> int:
    """Return of how many steps or groups a lot can be asked at once."""
    return max(1, POINTS // len(next(iter(batch.values()))))


def segments_of(subject: Subject, lot: Index) -> Segments:
    """Return `[n, L]` the segments of some records.

    Raises:
        CardioError: the subject has an ECG but no segments.
    """
    if subject.segments is None:
        raise CardioError("the records have an ECG but no segments; delineate them first")
    return subject.segments[lot]


def variables_of(subject: Subject) -> Tensor | None:
    """Return `[F]` which variable each encoded column is of; None where columns are no input."""
    if "tabular" not in subject.inputs:
        return None
    return torch.from_numpy(variables(subject.rows.stats.tabular)[1]).to(subject.place.device)


def leads_there(batch: Batch) -> Flags:
    """Return `[n, K]` whether each record has each lead."""
    return np.asarray(batch["ecg_lead_mask"].cpu() > 0)


def modalities_there(subject: Subject, batch: Batch) -> dict[str, Flags]:
    """Return modality → `[n]` whether a record has it, of those inputs that can be absent."""
    if "text" not in subject.inputs:
        return {}
    return {"text": np.asarray(batch["text_mask"].cpu() > 0)}


def grouped(
    subject: Subject, lot: Index, batch: Batch, values: dict[str, npt.NDArray[np.float32]]
) -> dict[str, Grouped]:
    """Return the sums over groups of attributions at the inputs' own resolution.

    Args:
        subject: fold.
        lot: `n` record numbers.
        batch: of those records.
        values: modality → attributions in the shape of the batch's tensor.
    """
    found: dict[str, Grouped] = {}
    if "ecg" in values:
        segments, there = segments_of(subject, lot), leads_there(batch)
        found |= of_ecg(values["ecg"], segments, leads=subject.leads, there=there)
    sums = {
        name: own.reshape(len(own), -1).sum(axis=1, dtype=np.float64)
        for name, own in values.items()
    }
    found["modality"] = of_modalities(sums, there=modalities_there(subject, batch))
    if "tabular" in values:
        found["variable"] = of_tabular(values["tabular"], subject.rows.stats.tabular)
    return found
