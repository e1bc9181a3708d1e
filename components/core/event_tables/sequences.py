"""Rows of events, sorted by stay, cut into the sequence of each stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.core.data.stored_events import Events

# What a statement of events gives, in this order.
COLUMNS = ("stay_id", "seconds", "known_seconds", "event_type", "event_text")


def no_events() -> Events:
    """Return an empty sequence."""
    nothing = np.empty(0, np.int32)
    return Events(
        seconds=nothing, known_seconds=nothing, kind=nothing.astype(np.int8),
        text=pa.array([], pa.string()),
    )  # fmt: skip


def days_after(start: datetime, *moments: datetime | None) -> float | None:
    """Return the days from `start` to the last of the moments that are known; None of none.

    >>> days_after(datetime(2024, 3, 1), None, datetime(2024, 3, 2, 12))
    1.5
    """
    known = [each for each in moments if each is not None]
    return (max(known) - start) / timedelta(days=1) if known else None


def by_stay(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[Any, Events]]:
    """Yield each stay's id with its events; one stay and one batch are in memory at a time.

    Args:
        batches: of the columns `COLUMNS`, sorted by `stay_id`.
    """
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        for piece in _pieces(batch):
            if waiting and _stay(waiting[0]) != _stay(piece):
                yield _stay(waiting[0]), _events(waiting)
                waiting = []
            waiting.append(piece)
    if waiting:
        yield _stay(waiting[0]), _events(waiting)


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Yield the rows of each stay in a batch."""
    ids = batch.column("stay_id").dictionary_encode().indices.to_numpy(zero_copy_only=False)
    starts = np.flatnonzero(np.diff(ids, prepend=-1)).tolist()
    for start, stop in zip(starts, [*starts[1:], batch.num_rows], strict=True):
        yield batch.slice(start, stop - start)


def _stay(batch: pa.RecordBatch) -> Any:  # noqa: ANN401 - a number or a text
    return batch.column("stay_id")[0].as_py()


def _events(pieces: list[pa.RecordBatch]) -> Events:
    table = pa.Table.from_batches(pieces)
    text = table.column("event_text").cast(pa.string())
    return Events(
        seconds=_numbers(table, "seconds").astype(np.int32),
        known_seconds=_numbers(table, "known_seconds").astype(np.int32),
        kind=_numbers(table, "event_type").astype(np.int8),
        # A copy: a slice would take its whole batch along to another process.
        text=pa.concat_arrays(text.chunks),
    )


def _numbers(table: pa.Table, name: str) -> npt.NDArray[np.int64]:
    return table.column(name).to_numpy()
