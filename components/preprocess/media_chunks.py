"""One ingest shard of pictures or sounds → one array shard, and the files that were refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from components.core.data.arrays import ArrayShard, channel_moments, write_array
from components.core.data.media import MediaReader
from components.core.errors import RecordError
from components.core.files import write_atomic
from components.core.media.columns import MEDIA_COLUMNS
from components.core.media.config import ImageConfig, SoundConfig
from components.core.media.image import check_page, image_array
from components.core.media.sound import log_mel, usable
from components.core.modalities import MediaModality
from components.core.parts import ChunkCounts, finished_counts, part_paths
from components.core.readers.audio import Sound
from components.core.schemas import (
    FILES_PREFIX,
    HASH_PREFIX,
    PATIENT_PREFIX,
    REJECT_SCHEMA,
    ROW_PREFIX,
    SHARD_PREFIX,
    SITES_PREFIX,
    media_fields,
)

# Which axis of a record the channels run along: of `[C, H, W]` the first, of `[W, mels, T]` mels.
_AXIS: dict[MediaModality, int] = {"ecg_image": 0, "pcg": 1}
Cells = dict[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Ready:
    """One record's array.

    Attributes:
        values: `[*shape]`.
        valid: `[W]` which windows are there; None of a picture.
        places: of the files that it is made of, among the record's.
    """

    values: npt.NDArray[Any]
    valid: npt.NDArray[np.bool_] | None
    places: list[int]


def transform_media(
    number: int,
    name: MediaModality,
    cells: list[Cells],
    source: Path,
    folder: Path,
    config: ImageConfig | SoundConfig,
) -> ChunkCounts:
    """Prepare one chunk and write its three files; a finished chunk is left alone.

    Args:
        number: of the shard.
        name: of the modality.
        cells: manifest rows of the ingest stage that lie in its shard of that number.
        source: that modality's shards in the ingest stage.
        folder: this stage's workspace.
        config: how a picture or sounds become a row.
    """
    finished = finished_counts(folder, number, name)
    if finished is not None:
        return finished
    shard, rejects_file, part = part_paths(folder, number, name)
    reader, ready = MediaReader(source), list[_Ready]()
    rows, rejects = list[Cells](), list[Cells]()
    # Chunks run side by side; threads on arrays this small only wait for each other.
    with threadpool_limits(1):
        for own in cells:
            found, refused = _prepared(reader, own, name, config)
            rejects += refused
            if found is not None:
                rows.append(_row(own, found, name, (number, len(ready))))
                ready.append(found)
    reader.close()
    if ready:
        write_atomic(shard, lambda p: write_array(p, _stacked(ready, name, config)))
    table = pa.Table.from_pylist(rejects, schema=REJECT_SCHEMA)
    write_atomic(rejects_file, lambda p: pq.write_table(table, p))
    schema = pa.schema([pa.field("sample_id", pa.string(), nullable=False), *media_fields(name)])
    write_atomic(part, lambda p: pq.write_table(pa.Table.from_pylist(rows, schema=schema), p))
    return ChunkCounts(len(rows), len(cells) - len(rows))


def _prepared(
    reader: MediaReader, own: Cells, name: MediaModality, config: ImageConfig | SoundConfig
) -> tuple[_Ready | None, list[Cells]]:
    """Return a record's array (None: nothing can be used) and a reject row per refused file."""
    shard, row = int(own[f"{SHARD_PREFIX}{name}"]), int(own[f"{ROW_PREFIX}{name}"])
    try:
        if isinstance(config, ImageConfig):
            picture = reader.picture(shard, row)
            check_page(picture)
            values = image_array(picture, config)
            return _Ready(values=values, valid=None, places=[0]), []
        sounds = reader.sounds(shard, row)
    except RecordError as error:
        return None, [_reject(error, own, name)]
    try:
        return _windows(sounds, list(range(len(sounds))), config), []
    except RecordError:
        return _of_the_usable(sounds, config, own)


def _windows(sounds: list[Sound], places: list[int], config: SoundConfig) -> _Ready:
    made = log_mel([sounds[k] for k in places], config)
    return _Ready(values=made.values, valid=made.valid, places=places)


def _of_the_usable(
    sounds: list[Sound], config: SoundConfig, own: Cells
) -> tuple[_Ready | None, list[Cells]]:
    """Return the array of those sounds that can be used by themselves, and rows for the others."""
    places, refused = usable(sounds, config)
    rejects = [_reject(error, own, "pcg") for error in refused]
    if not places:
        return None, rejects
    return _windows(sounds, places, config), rejects


def _row(own: Cells, found: _Ready, name: MediaModality, place: tuple[int, int]) -> Cells:
    """Return the manifest cells of a record's array at `place`: shard and row."""
    owner = own.get(f"{PATIENT_PREFIX}{name}")
    return {
        "sample_id": own["sample_id"],
        f"{SHARD_PREFIX}{name}": place[0],
        f"{ROW_PREFIX}{name}": place[1],
        f"{HASH_PREFIX}{name}": own[f"{HASH_PREFIX}{name}"],
        f"{FILES_PREFIX}{name}": [own[f"{FILES_PREFIX}{name}"][k] for k in found.places],
        f"{SITES_PREFIX}{name}": [own[f"{SITES_PREFIX}{name}"][k] for k in found.places],
        f"{PATIENT_PREFIX}{name}": owner if isinstance(owner, str) else None,
    }


def _stacked(
    ready: list[_Ready], name: MediaModality, config: ImageConfig | SoundConfig
) -> ArrayShard:
    axis = _AXIS[name]
    kept = [each.values if each.valid is None else each.values[each.valid] for each in ready]
    valid = [each.valid for each in ready if each.valid is not None]
    return ArrayShard(
        values=np.stack([each.values for each in ready]),
        valid=np.stack(valid) if valid else None,
        moments=np.stack([channel_moments(each, axis) for each in kept]),
        axis=axis,
        facts=config.model_dump(mode="json"),
    )


def _reject(error: RecordError, own: Cells, name: MediaModality) -> Cells:
    return {
        "file": "",
        "row": int(own["row"]),
        "field": MEDIA_COLUMNS[name],
        "value": error.value,
        "code": error.code,
        "reason": error.reason,
        "advice": error.advice,
    }
