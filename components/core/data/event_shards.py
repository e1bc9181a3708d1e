"""Event sequences of a prepared cohort: ragged, their texts in one table of the whole cohort.

`shards/events/NNNNN.h5` holds `seconds`, `known_seconds` `[T]` int32, `kind` `[T]` int8, `text`
`[T]` int32 (row of `event_texts.parquet`) and `offsets` `[n + 1]` int64: `T` events of `n` records,
each data set contiguous, so that it is read as a memory map.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from components.core.errors import InputError
from components.core.modalities import EVENTS
from components.core.schemas import SHARDS

# One row per distinct text of the cohort.
TEXTS = "event_texts.parquet"
COLUMNS = ("seconds", "known_seconds", "kind", "text")
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class FlatEvents:
    """The events of several records, one after the other.

    Attributes:
        seconds: `[T]` from each event to the prediction; negative lies after it.
        known_seconds: `[T]` from when it could be known.
        kind: `[T]` place in `EVENT_KINDS`.
        text: `[T]` row in a table of texts.
        offsets: `[n + 1]` where each record's events begin.
    """

    seconds: npt.NDArray[np.int32]
    known_seconds: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int8]
    text: npt.NDArray[np.int32]
    offsets: Ints

    @property
    def lengths(self) -> Ints:
        """Return `[n]` events of each record."""
        return np.diff(self.offsets)

    def chosen(self, kept: npt.NDArray[np.bool_]) -> FlatEvents:
        """Return the events `[T]` that are kept; records stay, also those left without any."""
        before = np.concatenate([[0], np.cumsum(kept)])
        columns: dict[str, Any] = {name: getattr(self, name)[kept] for name in COLUMNS}
        return FlatEvents(**columns, offsets=before[self.offsets])

    def of_records(self, rows: Ints) -> FlatEvents:
        """Return the events of the named records, in that order."""
        lengths = self.lengths[rows]
        place = spans(self.offsets[rows], lengths)
        columns: dict[str, Any] = {name: getattr(self, name)[place] for name in COLUMNS}
        return FlatEvents(
            **columns, offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        )


def in_order(events: FlatEvents, texts: pa.Array) -> FlatEvents:
    """Return the events of each record by time, kind and text.

    Sources order what happens at one moment by when it was known, too, which nobody sends with a
    request: a network that counts places in a sequence must find the same place in both.

    Args:
        events: of the records.
        texts: `[U]` what `text` points to; never null.
    """
    rank = np.empty(len(texts), np.int64)
    rank[np.argsort(np.array(texts.to_pylist(), object), kind="stable")] = np.arange(len(texts))
    owner = np.repeat(np.arange(len(events.lengths)), events.lengths)
    order = np.lexsort((rank[events.text], events.kind, -events.seconds.astype(np.int64), owner))
    columns: dict[str, Any] = {name: getattr(events, name)[order] for name in COLUMNS}
    return FlatEvents(**columns, offsets=events.offsets)


def spans(starts: Ints, lengths: Ints) -> Ints:
    """Return the places `start, start + 1, …` of several runs, one run after the other.

    >>> spans(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))


def shard_file(folder: Path, number: int) -> Path:
    """Return where a stage keeps a shard of event sequences."""
    return folder / SHARDS / EVENTS / f"{number:05d}.h5"


def write_events(path: Path, events: FlatEvents) -> None:
    """Write one shard."""
    with h5py.File(path, "w") as file:
        for name in (*COLUMNS, "offsets"):
            file.create_dataset(name, data=getattr(events, name))


def read_ingested(path: Path) -> tuple[FlatEvents, pa.Array]:
    """Return what ingest keeps in one shard, and the distinct texts that its `text` points to.

    Raises:
        InputError: the shard is missing or damaged.
    """
    try:
        with h5py.File(path, "r") as file:
            columns: dict[str, Any] = {
                name: cast(h5py.Dataset, file[name])[:] for name in (*COLUMNS, "offsets")
            }
            texts = pa.array(cast(Any, file["texts"]).asstr()[:], pa.string())
    except (OSError, KeyError) as error:
        raise InputError(f"shard '{EVENTS}/{path.name}' cannot be read; ingest again") from error
    return FlatEvents(**columns), texts


def read_texts(folder: Path) -> pa.Array:
    """Return the distinct texts of a prepared cohort."""
    return pq.read_table(folder / TEXTS).column("text").combine_chunks()


class EventReader:
    """Reads the events of records from the shards of a prepared cohort, by memory maps.

    Args:
        folder: of the stage.
        shard: `[n]` shard of each record, -1 of one without a sequence.
        row: `[n]` row within it.
    """

    def __init__(self, folder: Path, shard: Ints, row: Ints) -> None:
        self._shard = shard
        self._start, self.lengths = np.zeros(len(shard), np.int64), np.zeros(len(shard), np.int64)
        self._maps: dict[int, FlatEvents] = {}
        for number in np.unique(shard[shard >= 0]).tolist():
            own, held = shard == number, _mapped(shard_file(folder, number))
            self._maps[number] = held
            self._start[own] = held.offsets[row[own]]
            self.lengths[own] = held.offsets[row[own] + 1] - held.offsets[row[own]]

    def read(self, index: Ints) -> FlatEvents:
        """Return the events of the named records, in that order."""
        lengths = self.lengths[index]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        total = int(offsets[-1])
        out: dict[str, Any] = {}
        places = spans(self._start[index], lengths)
        shard = np.repeat(self._shard[index], lengths)
        for name, dtype in zip(COLUMNS, (np.int32, np.int32, np.int8, np.int32), strict=True):
            out[name] = np.empty(total, dtype)
        for number in np.unique(shard).tolist():
            own = shard == number
            for name in COLUMNS:
                out[name][own] = getattr(self._maps[number], name)[places[own]]
        return FlatEvents(**out, offsets=offsets)


def _mapped(path: Path) -> FlatEvents:
    try:
        with h5py.File(path, "r") as file:
            columns: dict[str, Any] = {
                name: _map(path, cast(h5py.Dataset, file[name])) for name in COLUMNS
            }
            offsets = cast(h5py.Dataset, file["offsets"])[:]
    except (OSError, KeyError) as error:
        raise InputError(
            f"shard '{EVENTS}/{path.name}' cannot be read; run preprocess again"
        ) from error
    return FlatEvents(**columns, offsets=offsets)


def _map(path: Path, data: h5py.Dataset) -> npt.NDArray[Any]:
    place = data.id.get_offset()
    if place is None:  # nothing was stored, since there is no event
        return np.empty(data.shape, data.dtype)
    return np.memmap(path, data.dtype, mode="r", offset=place, shape=data.shape)
