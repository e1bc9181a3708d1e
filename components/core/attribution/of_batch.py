"""Attributions in the shape of a batch's tensors, summed over groups that mean something.

Shapes: `n` records, `G` groups, `K` leads, `L` samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from components.core.attribution.event_groups import cells_of, of_events
from components.core.attribution.groups import (
    Dense,
    Flags,
    Grouped,
    Segments,
    of_ecg,
    of_modalities,
    of_tabular,
)
from components.core.attribution.tiles import Tiles, bands, blocks, of_tiles, patches, regions
from components.core.data.batches import Batch
from components.core.data.foldstats import FoldStats
from components.core.media.config import SoundConfig
from components.core.modalities import ARRAYS, EMBEDDED, EVENTS

# Modalities that a record may lack as a whole.
_MASKED = ("text", "tabular", *ARRAYS, EVENTS)


@dataclass(frozen=True, kw_only=True, eq=False)
class Grouping:
    """What parts a network's inputs into groups, and names them.

    Attributes:
        inputs: modalities that are explained, of `core.modalities.MODALITIES`.
        stats: by which the network was fed: its encoder of fields, the shapes of its arrays.
        leads: `K` of the ECG; empty without one.
        sound: how heart sounds became arrays; None where there are none, or nobody knows.
        columns: embedding → names of its entries, of those whose source knows them.
    """

    inputs: tuple[str, ...]
    stats: FoldStats
    leads: tuple[str, ...] = ()
    sound: SoundConfig | None = None
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])


def grouped(
    grouping: Grouping,
    batch: Batch,
    values: Mapping[str, npt.NDArray[np.float32]],
    segments: Segments | None,
) -> dict[str, Grouped]:
    """Return kind → the sums over its groups, NaN where a record has no such group.

    Args:
        grouping: of the network's inputs.
        batch: of `n` records, finished.
        values: modality → attributions in the shape of the batch's tensor.
        segments: `[n, L]` parts of the beats; None without an ECG.
    """
    found: dict[str, Grouped] = {}
    if segments is not None and "ecg" in values:
        there = leads_there(batch)
        found |= of_ecg(values["ecg"], segments, leads=grouping.leads, there=there)
    sums = {
        name: own.reshape(len(own), -1).sum(axis=1, dtype=np.float64)
        for name, own in values.items()
    }
    if EVENTS in values:
        cells = cells_of(batch).cpu().numpy()
        found |= of_events(values[EVENTS].sum(axis=2, dtype=np.float64), cells)
    has = modalities_there(grouping.inputs, batch)
    found["modality"] = of_modalities(sums, there=has)
    if "tabular" in values:
        own = of_tabular(values["tabular"], grouping.stats.tabular)
        found["variable"] = where_there(own, has.get("tabular"))
    return found | tiled(grouping, batch, values)


def tiled(grouping: Grouping, batch: Batch, values: Mapping[str, Dense]) -> dict[str, Grouped]:
    """Return the sums over regions, patches, bands and blocks; args as of `grouped`."""
    return {
        kind: of_tiles(values[tiles.modality], tiles, there=tiles_there(tiles, batch))
        for kind, tiles in tiles_of(grouping).items()
        if tiles.modality in values
    }


def tiles_of(grouping: Grouping) -> dict[str, Tiles]:
    """Return kind → the groups that tile pictures, sounds and embeddings."""
    shapes = {name: own.shape for name, own in grouping.stats.arrays.items()}
    found: list[Tiles] = []
    if "ecg_image" in grouping.inputs:
        found.append(regions(shapes["ecg_image"]))
    if "pcg" in grouping.inputs:
        own = shapes["pcg"], grouping.sound
        found += [patches(*own), bands(*own)]
    found += [
        blocks(name, shapes[name], grouping.columns.get(name, ()))
        for name in EMBEDDED
        if name in grouping.inputs
    ]
    return {tiles.kind: tiles for tiles in found}


def tiles_there(tiles: Tiles, batch: Batch) -> Flags:
    """Return `[n, G]` whether each record has each of the tiles: the modality, and the window."""
    there = np.asarray(batch[f"{tiles.modality}_mask"].cpu() > 0)[:, None]
    valid = batch.get(f"{tiles.modality}_valid")
    if valid is None or tiles.windows is None:
        return np.repeat(there, len(tiles.names), axis=1)
    return there & np.asarray(valid.cpu() > 0)[:, tiles.windows]


def leads_there(batch: Batch) -> Flags:
    """Return `[n, K]` whether each record has each lead."""
    return np.asarray(batch["ecg_lead_mask"].cpu() > 0)


def modalities_there(inputs: Sequence[str], batch: Batch) -> dict[str, Flags]:
    """Return modality → `[n]` whether a record has it, of those inputs that can be absent."""
    names = [name for name in _MASKED if name in inputs and f"{name}_mask" in batch]
    return {name: np.asarray(batch[f"{name}_mask"].cpu() > 0) for name in names}


def where_there(own: Grouped, there: Flags | None) -> Grouped:
    """Return groups with NaN in records `[n]` that lack their modality; None leaves all."""
    if there is None:
        return own
    return replace(own, values=np.where(there[:, None], own.values, np.nan))
