"""Event sequences as ingest keeps them: ragged, one HDF5 file per shard.

Letters: `n` records, `E` events of a record, `T` events of all of them, `U` texts.

`seconds` and `known_seconds` `[T]` say how long before the prediction an event happened and was
known, `kind` `[T]` its place in `EVENT_KINDS`, `text` `[T]` its place in `texts` `[U]`; `offsets`
`[n + 1]` where each record's events begin. Texts repeat hugely, and each stands once in a shard.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import h5py
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.core.data.event_shards import read_ingested

# In a table's cell and in a model's one-hot, in this order.
EVENT_KINDS = ("prescription", "procedure", "lab", "microbiology", "ingredient")
# A sequence of fewer events may be two patients' own: a single drug at a full hour is.
FEWEST_TO_TELL = 5
Seconds = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Events:
    """What happened to one patient before a prediction, in order of time.

    Attributes:
        seconds: `[E]` from each event to the prediction, descending; negative lies after it.
        known_seconds: `[E]` from when it could be known.
        kind: `[E]` place in `EVENT_KINDS`.
        text: `[E]` as people read it; never null.
    """

    seconds: Seconds
    known_seconds: Seconds
    kind: npt.NDArray[np.int8]
    text: pa.Array

    def __len__(self) -> int:
        return len(self.seconds)

    def __repr__(self) -> str:
        """Return the number of events and their hash, never their texts."""
        return f"Events({len(self)}, sha256={events_hash(self)!r})"


class EventWriter:
    """Collects the sequences of one shard; open it by `growing.written`."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self._events: list[Events] = []

    def add(self, events: Events) -> int:
        """Take in the events of one record and return its row in the shard."""
        self._events.append(events)
        return len(self._events) - 1

    def finish(self) -> None:
        """Write everything taken in."""
        texts = [each.text for each in self._events]
        together = pa.chunked_array(texts, pa.string()).combine_chunks()
        coded = cast(pa.DictionaryArray, together.dictionary_encode())
        for name, dtype in (("seconds", np.int32), ("known_seconds", np.int32), ("kind", np.int8)):
            parts = [getattr(each, name) for each in self._events]
            data = np.concatenate([np.empty(0, dtype), *parts])
            self._file.create_dataset(name, data=data.astype(dtype))
        self._file.create_dataset("text", data=coded.indices.to_numpy(zero_copy_only=False))
        self._file.create_dataset(
            "texts", data=coded.dictionary.to_pylist(), dtype=h5py.string_dtype()
        )
        counts = [len(each) for each in self._events]
        self._file.create_dataset("offsets", data=np.cumsum([0, *counts], dtype=np.int64))


def stored_events(path: Path) -> Iterator[Events]:
    """Yield the sequences of one shard, row by row.

    Raises:
        InputError: the shard is missing or damaged.
    """
    flat, texts = read_ingested(path)
    for start, stop in zip(flat.offsets[:-1], flat.offsets[1:], strict=True):
        own = slice(int(start), int(stop))
        yield Events(
            seconds=flat.seconds[own],
            known_seconds=flat.known_seconds[own],
            kind=flat.kind[own],
            text=texts.take(pa.array(flat.text[own])),
        )


def events_hash(events: Events) -> str:
    """Return the sha256 of a sequence: what happened, when, and when it was known."""
    total = hashlib.sha256(events.seconds.astype(np.int32).tobytes())
    total.update(events.known_seconds.astype(np.int32).tobytes())
    total.update(events.kind.astype(np.int8).tobytes())
    lengths = pc.call_function("binary_length", [events.text]).to_numpy(zero_copy_only=False)
    total.update(lengths.astype(np.int32).tobytes())
    total.update("".join(events.text.to_pylist()).encode())
    return total.hexdigest()
