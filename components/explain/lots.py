"""Records in lots that fit into memory, and what of each lot is there to be explained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from components.core.attribution.event_groups import cells_of, of_events
from components.core.attribution.groups import (
    Grouped,
    Segments,
    of_ecg,
    of_modalities,
    of_tabular,
    variables,
)
from components.core.attribution.tiles import (
    Tiles,
    bands,
    blocks,
    of_tiles,
    patches,
    reduced,
    regions,
)
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


def leads_there(batch: Batch) -> Flags:
    """Return `[n, K]` whether each record has each lead."""
    return np.asarray(batch["ecg_lead_mask"].cpu() > 0)


def modalities_there(subject: Subject, batch: Batch) -> dict[str, Flags]:
    """Return modality → `[n]` whether a record has it, of those inputs that can be absent."""
    masked = ("text", "tabular", *ARRAYS, EVENTS)
    names = [name for name in masked if name in subject.inputs and f"{name}_mask" in batch]
    return {name: np.asarray(batch[f"{name}_mask"].cpu() > 0) for name in names}


def tiles_of(subject: Subject) -> dict[str, Tiles]:
    """Return kind → the groups that tile the subject's pictures, sounds and embeddings."""
    shapes = {name: own.shape for name, own in subject.rows.stats.arrays.items()}
    found: list[Tiles] = []
    if "ecg_image" in subject.inputs:
        found.append(regions(shapes["ecg_image"]))
    if "pcg" in subject.inputs:
        own = shapes["pcg"], subject.sound
        found += [patches(*own), bands(*own)]
    found += [
        blocks(name, shapes[name], subject.columns.get(name, ()))
        for name in EMBEDDED
        if subject.inputs.count(name)
    ]
    return {tiles.kind: tiles for tiles in found}


def tiles_there(tiles: Tiles, batch: Batch) -> Flags:
    """Return `[n, G]` whether each record has each of the tiles: the modality, and the window."""
    there = np.asarray(batch[f"{tiles.modality}_mask"].cpu() > 0)[:, None]
    valid = batch.get(f"{tiles.modality}_valid")
    if valid is None or tiles.windows is None:
        return np.repeat(there, len(tiles.names), axis=1)
    return there & np.asarray(valid.cpu() > 0)[:, tiles.windows]


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
    found: dict[str, Grouped] = {}
    if "ecg" in values:
        segments, leads = segments_of(subject, lot), leads_there(batch)
        found |= of_ecg(values["ecg"], segments, leads=subject.leads, there=leads)
    sums = {
        name: own.reshape(len(own), -1).sum(axis=1, dtype=np.float64)
        for name, own in values.items()
    }
    if EVENTS in values:
        cells = cells_of(batch).cpu().numpy()
        found |= of_events(values[EVENTS].sum(axis=2, dtype=np.float64), cells)
    there = modalities_there(subject, batch)
    found["modality"] = of_modalities(sums, there=there)
    if "tabular" in values:
        own = of_tabular(values["tabular"], subject.rows.stats.tabular)
        found["variable"] = where_there(own, there.get("tabular"))
    return found | tiled(subject, batch, values)


def tiled(
    subject: Subject, batch: Batch, values: dict[str, npt.NDArray[np.float32]]
) -> dict[str, Grouped]:
    """Return the sums over regions, patches, bands and blocks; args as of `grouped`."""
    return {
        kind: of_tiles(values[tiles.modality], tiles, there=tiles_there(tiles, batch))
        for kind, tiles in tiles_of(subject).items()
        if tiles.modality in values
    }


def where_there(own: Grouped, there: Flags | None) -> Grouped:
    """Return groups with NaN in records `[n]` that lack their modality; None leaves all."""
    if there is None:
        return own
    return replace(own, values=np.where(there[:, None], own.values, np.nan))
