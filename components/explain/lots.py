"""Records in lots that fit into memory, and what of each lot is there to be explained."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from components.core.attribution import of_batch
from components.core.attribution.groups import Grouped, Segments, variables
from components.core.attribution.of_batch import Grouping
from components.core.attribution.tiles import Tiles, reduced
from components.core.data.batches import Batch
from components.core.errors import CardioError
from components.core.modalities import ARRAYS, EMBEDDED, EVENTS, ArrayModality
from components.explain.subject import TOKENS, Subject

Index = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
# Rows that a network is asked at once. With gradients kept, one row of 8 × 5,000 samples takes
# about 6 MB in the default network (21 activations of 32 to 128 channels).
POINTS = 64
# Records of a lot; several steps or groups of each are asked at once.
RECORDS = 16


def lots(subject: Subject, index: Index) -> Iterator[Index]:
    """Yield the record numbers, `RECORDS` at a time, fewer where event sequences are long."""
    yield from subject.parts(index, most=RECORDS)


def at_once(batch: Batch) -> int:
    """Return of how many steps or groups a lot can be asked at once."""
    points = POINTS // len(next(iter(batch.values())))
    if EVENTS in batch:
        points = min(points, TOKENS // batch["events_valid"].numel())
    return max(1, points)


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


def modalities_there(subject: Subject, batch: Batch) -> dict[str, Flags]:
    """Return modality → `[n]` whether a record has it, of those inputs that can be absent."""
    return of_batch.modalities_there(subject.inputs, batch)


def grouping_of(subject: Subject) -> Grouping:
    """Return what parts the subject's inputs into groups."""
    return Grouping(
        inputs=subject.inputs,
        stats=subject.rows.stats,
        leads=subject.leads,
        sound=subject.sound,
        columns=subject.columns,
    )


def tiles_of(subject: Subject) -> dict[str, Tiles]:
    """Return kind → the groups that tile the subject's pictures, sounds and embeddings."""
    return of_batch.tiles_of(grouping_of(subject))


def stored(
    batch: Batch, values: dict[str, npt.NDArray[np.float32]]
) -> dict[str, npt.NDArray[np.float32]]:
    """Return attributions as tables hold them: arrays summed over blocks (`reduced`).

    Args:
        batch: of the records.
        values: modality → attributions in the shape of the batch's tensor.

    Returns:
        Modality → values, NaN where a record lacks an array; of a picture `[n, 1, h, w]`, of an
        embedding all its entries, of events `[n, S]` sums over each step, NaN in padding.
    """
    found = dict(values)
    if EVENTS in values:
        each = values[EVENTS].sum(axis=2, dtype=np.float64).astype(np.float32)
        found[EVENTS] = np.where(batch["events_valid"].cpu().numpy() > 0, each, np.float32(np.nan))
    for name in ARRAYS:
        if name not in values:
            continue
        blocks = _blocks(name, values[name])
        blocks[np.asarray(batch[f"{name}_mask"].cpu() == 0)] = np.nan
        found[name] = blocks
    return found


def _blocks(name: ArrayModality, own: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if name in EMBEDDED:
        return own.copy()
    return reduced(own.sum(axis=1, keepdims=True) if name == "ecg_image" else own)


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
    segments = segments_of(subject, lot) if "ecg" in values else None
    return of_batch.grouped(grouping_of(subject), batch, values, segments)


def tiled(
    subject: Subject, batch: Batch, values: dict[str, npt.NDArray[np.float32]]
) -> dict[str, Grouped]:
    """Return the sums over regions, patches, bands and blocks; args as of `grouped`."""
    return of_batch.tiled(grouping_of(subject), batch, values)
