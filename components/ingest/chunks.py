"""One chunk of records: read the signals, write a shard, the manifest rows and the rejects."""

from __future__ import annotations

from dataclasses import asdict
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
    REJECT_SCHEMA,
    SUBJECT_FIELDS,
    TABULAR_PREFIX,
    TARGET_PREFIX,
    TIME_PREFIX,
)
from components.core.signals.leads import canonical_all
from components.core.signals.signal import Signal
from components.core.signals.units import DIMENSIONLESS, check_signal, millivolts_per
from components.ingest.records import ArrayRef, FileRef, Record, Reject, subject_cells
from components.ingest.sources.array import load_array

_open_arrays: dict[tuple[Path, str], Any] = {}


def decode_chunk(
    number: int, items: list[Record | Reject], folder: Path, kinds: dict[str, str]
) -> ChunkCounts:
    """Read one chunk and write its three files; a finished chunk is left alone.

    Args:
        number: of the chunk; also of its shard.
        items: records to read and rows refused already.
        folder: the stage's workspace.
        kinds: column of a feature or target → `numeric` or `categorical`, for the column types.
    """
    shard, rejects_file, part = part_paths(folder, number)
    finished = finished_counts(folder, number)
    if finished is not None:
        return finished
    writer = RaggedWriter()
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for item in items:
        if isinstance(item, Reject):
            rejects.append(item)
            continue
        try:
            rows.append(_cells(item, number, writer))
        except RecordError as error:
            rejects.append(item.refused(error))
    write_atomic(shard, writer.write)
    write_atomic(rejects_file, lambda p: pq.write_table(rejects_table(rejects), p))
    write_atomic(part, lambda p: pq.write_table(_table(rows, kinds), p))
    return ChunkCounts(len(rows), len(rejects))


def _cells(record: Record, number: int, writer: RaggedWriter) -> dict[str, Any]:
    cells = subject_cells(record)
    cells |= {f"{TABULAR_PREFIX}{name}": value for name, value in record.tabular.items()}
    cells |= {f"{TARGET_PREFIX}{name}": value for name, value in record.targets.items()}
    cells |= {f"{TIME_PREFIX}{name}": value for name, value in record.tabular_times.items()}
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


def rejects_table(rejects: list[Reject]) -> pa.Table:
    """Return reject rows as a table of `REJECT_SCHEMA`."""
    return pa.Table.from_pylist([asdict(r) for r in rejects], schema=REJECT_SCHEMA)


def _table(rows: list[dict[str, Any]], kinds: dict[str, str]) -> pa.Table:
    declared = [
        pa.field(name, pa.float64() if kind == "numeric" else pa.string())
        for name, kind in kinds.items()
    ]
    named = sorted({name for row in rows for name in row if name.startswith(TIME_PREFIX)})
    times = [pa.field(name, pa.timestamp("ms")) for name in named]
    schema = pa.schema([*SUBJECT_FIELDS, *ECG_FIELDS, *declared, *times])
    return pa.Table.from_pylist(rows, schema=schema)
