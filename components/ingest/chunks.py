"""One chunk of records: read their files, write the shards, the manifest rows and the rejects."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.core.data.ragged import RaggedWriter
from components.core.errors import RecordError
from components.core.files import write_atomic
from components.core.parts import ChunkCounts, finished_counts, part_paths
from components.core.readers.rawfile import DiskFile
from components.core.readers.registry import read_signal
from components.core.schemas import (
    ECG_FIELDS,
    PATIENT_PREFIX,
    SUBJECT_FIELDS,
    TABULAR_PREFIX,
    TARGET_PREFIX,
    TIME_PREFIX,
    embedding_fields,
    event_fields,
    media_fields,
)
from components.core.signals.leads import canonical_all
from components.core.signals.signal import Signal
from components.core.signals.units import DIMENSIONLESS, check_signal, millivolts_per
from components.ingest.embeddings import EmbeddingShards
from components.ingest.endpoints import endpoint_cells, endpoint_fields
from components.ingest.events import EventShards
from components.ingest.media import MediaShards, require_rest
from components.ingest.records import ArrayRef, FileRef, Record, Reject, subject_cells
from components.ingest.rejects import rejects_table
from components.ingest.sources.array import load_array

_open_arrays: dict[tuple[Path, str], Any] = {}


def decode_chunk(
    number: int, items: list[Record | Reject], folder: Path, kinds: dict[str, str]
) -> ChunkCounts:
    """Read one chunk and write its files; a finished chunk is left alone.

    Args:
        number: of the chunk; also of its shard.
        items: records to read and rows refused already.
        folder: the stage's workspace.
        kinds: column of a feature or target → `numeric` or `categorical`, for the column types.
    """
    finished = finished_counts(folder, number)
    if finished is not None:
        return finished
    shard, rejects_file, part = part_paths(folder, number)
    writer, chunk = RaggedWriter(), _Chunk()
    with ExitStack() as open_files:
        media = MediaShards(folder, number, open_files)
        embeddings = EmbeddingShards(folder, number, open_files)
        events = EventShards(folder, number, open_files)
        for item in items:
            chunk.take(item, number, writer, (media, embeddings, events))
    write_atomic(shard, writer.write)
    _write(rejects_file, rejects_table(chunk.rejects))
    _write(files_path(folder, number), rejects_table(chunk.files))
    own = [each for name in media.modalities for each in media_fields(name)]
    own += [each for name in embeddings.modalities for each in embedding_fields(name)]
    own += event_fields() if events.there else []
    _write(part, _table(chunk.rows, kinds, own))
    return ChunkCounts(len(chunk.rows), len(chunk.rejects))


def _write(path: Path, table: pa.Table) -> None:
    write_atomic(path, lambda p: pq.write_table(table, p))


@dataclass
class _Chunk:
    """What a chunk's items come to: manifest rows, refused records, refused files of records."""

    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    rejects: list[Reject] = field(default_factory=list[Reject])
    files: list[Reject] = field(default_factory=list[Reject])

    def take(
        self,
        item: Record | Reject,
        number: int,
        writer: RaggedWriter,
        others: tuple[MediaShards, EmbeddingShards, EventShards],
    ) -> None:
        """Read one item; an ECG that is refused takes its record with it."""
        if isinstance(item, Reject):
            self.rejects.append(item)
            return
        try:
            cells = _cells(item, number, writer)
            found: dict[str, Any] = {}
            refused: list[Reject] = []
            for shards in others:
                kept, lost = shards.take(item)
                found |= kept
                refused += lost
            self.files += refused
            require_rest(item, found, refused)
            self.rows.append(cells | found)
        except RecordError as error:
            self.rejects.append(item.refused(error))


def files_path(folder: Path, number: int) -> Path:
    """Return where a chunk's reject rows of single files lie."""
    _, rejects, _ = part_paths(folder, number)
    return rejects.with_name(f"{number:05d}.files.parquet")


def _cells(record: Record, number: int, writer: RaggedWriter) -> dict[str, Any]:
    cells = subject_cells(record)
    cells |= {f"{TABULAR_PREFIX}{name}": value for name, value in record.tabular.items()}
    cells |= {f"{TARGET_PREFIX}{name}": value for name, value in record.targets.items()}
    cells |= {f"{TIME_PREFIX}{name}": value for name, value in record.tabular_times.items()}
    cells |= endpoint_cells(record)
    if record.ecg is not None:
        cells |= writer.add(_signal(record.ecg)) | {"ecg_shard": number}
    return cells


def _signal(reference: FileRef | ArrayRef) -> Signal:
    if isinstance(reference, FileRef):
        return read_signal(DiskFile(reference.path, reference.root), reference.declared)
    key = (reference.path, reference.key)
    if key not in _open_arrays:
        _open_arrays[key] = load_array(*key)
    return _array_signal(np.array(_open_arrays[key][reference.row]), reference)


def _array_signal(values: Any, reference: ArrayRef) -> Signal:  # noqa: ANN401 - any dtype
    declared = reference.declared
    unit = (declared.unit or "").strip()
    factor = 1.0 if unit == DIMENSIONLESS else millivolts_per(unit)
    leads = canonical_all(declared.leads or ())
    if values.dtype not in (np.int16, np.float16, np.float32):
        values = values.astype(np.float32)
    return check_signal(
        Signal(
            values=values,
            fs=float(declared.fs or 0),
            leads=leads,
            unit=unit if unit == DIMENSIONLESS else "mV",
            lsb=np.full(len(leads), factor * reference.lsb),
            offset=np.zeros(len(leads)),
        )
    )


def _table(rows: list[dict[str, Any]], kinds: dict[str, str], held: Sequence[pa.Field]) -> pa.Table:
    """Return the manifest's rows.

    Args:
        rows: cells.
        kinds: column of a feature or target → `numeric` or `categorical`.
        held: fields of pictures, sounds, embeddings and events that records of the chunk name.
    """
    declared = [
        pa.field(name, pa.float64() if kind == "numeric" else pa.string())
        for name, kind in kinds.items()
    ]
    named = sorted({name for row in rows for name in row if name.startswith(TIME_PREFIX)})
    times = [pa.field(name, pa.timestamp("ms")) for name in named]
    told = {name for row in rows for name, value in row.items() if value is not None}
    arrays = [e for e in held if e.name in told or not e.name.startswith(PATIENT_PREFIX)]
    ends = endpoint_fields(name for row in rows for name in row)
    own = [*arrays, *ends, *declared, *times]
    schema = pa.schema([*SUBJECT_FIELDS, *ECG_FIELDS, *own])
    return pa.Table.from_pylist(rows, schema=schema)
