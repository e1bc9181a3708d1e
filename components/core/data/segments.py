"""Beat segments of many records, in a process pool, with progress."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from components.core.data.cohort import Rows
from components.core.data.tensors import TensorReader
from components.core.errors import CardioError
from components.core.pool import map_chunks, worker_count
from components.core.progress import progress
from components.core.signals.delineate import segments

# Records of a task: 2.5 s of work, as long as a process takes to import the delineator, and 5 MB.
_CHUNK = 64
# First record, values `[n, K, L]`, leads `[n, K]`, interval `[n, 2]`, rate.
_Task = tuple[
    int,
    npt.NDArray[np.float32],
    npt.NDArray[np.bool_],
    npt.NDArray[np.int32],
    float,
]


def segments_of(rows: Rows, fs: float, *, workers: int = 0) -> npt.NDArray[np.int8]:
    """Return `[n, L]` index into `core.attribution.groups.SEGMENTS` of each record's samples.

    −1 all along a record in which no beat is found.

    Args:
        rows: `n` records with an ECG.
        fs: of the prepared tensors, in Hz.
        workers: processes; 0 is one per core, and never more than there is work for.

    Raises:
        CardioError: the records have no ECG.
    """
    if rows.reader is None:
        raise CardioError("segments are asked for of records without an ECG; ask for none")
    length = rows.reader.ecg(rows.shard[:0], rows.shard_row[:0]).shape[-1]
    out = np.empty((len(rows), length), np.int8)
    chunks = max(1, -(-len(rows) // _CHUNK))
    with progress("beat segments", len(rows), "records") as advance:
        pool = min(worker_count(workers), chunks)
        tasks = _tasks(rows, rows.reader, fs)
        for first, each in map_chunks(_delineated, tasks, workers=pool):
            out[first : first + len(each)] = each
            advance(len(each))
    return out


def _tasks(rows: Rows, reader: TensorReader, fs: float) -> Iterator[_Task]:
    for first in range(0, len(rows), _CHUNK):
        part = slice(first, first + _CHUNK)
        shard, row = rows.shard[part], rows.shard_row[part]
        x = reader.ecg(shard, row) * reader.scale(shard, row)[:, :, None]
        yield first, x, reader.lead_mask(shard, row), reader.valid(shard, row), fs


def _delineated(
    first: int,
    x: npt.NDArray[np.float32],
    lead_mask: npt.NDArray[np.bool_],
    valid: npt.NDArray[np.int32],
    fs: float,
) -> tuple[int, npt.NDArray[np.int8]]:
    spans = [(int(start), int(stop)) for start, stop in valid]
    each = [segments(x[i], fs, lead_mask=lead_mask[i], valid=span) for i, span in enumerate(spans)]
    return first, np.stack(each)
