"""Event sequences as ingest keeps them: ragged, one HDF5 file per shard.

Letters: `n` records, `E` events of a record, `T` events of all of them, `U` texts.

`seconds` and `known_seconds` `[T]` say how long before the prediction an event happened and was
known, `kind` `[T]` its place in `EVENT_KINDS`, `text` `[T]` its place in `texts` `[U]`; `offsets`
`[n + 1]` where each record's events begin. Texts repeat hugely, and each stands once in a shard.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.core.errors import InputError

# In a table's cell and in a model's one-hot, in this order.
EVENT_KINDS = ("prescription", "procedure", "lab", "microbiology", "ingredient")
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


@dataclass
class EventWriter:
    """Collects the sequences of one shard."""

    _events: list[Events] = field(default_factory=list[Events])

    def __len__(self) -> int:
        return len(self._events)

    def add(self, events: Events) -> int:
        """Take in the events of one record and return its row in the shard."""
        self._events.append(events)
        return len(self._events) - 1

    def write(self, path: Path) -> None:
        """Write everything taken in."""
        together = pa.concat_arrays([each.text for each in self._events])
        coded = cast(pa.DictionaryArray, pc.dictionary_encode(together))
        counts = [len(each) for each in self._events]
        with h5py.File(path, "w") as file:
            for name in ("seconds", "known_seconds", "kind"):
                parts = [getattr(each, name) for each in self._events]
                file.create_dataset(name, data=np.concatenate(parts))
            file.create_dataset("text", data=coded.indices.to_numpy(zero_copy_only=False))
            file.create_dataset(
                "texts", data=coded.dictionary.to_pylist(), dtype=h5py.string_dtype()
            )
            file.create_dataset("offsets", data=np.cumsum([0, *counts], dtype=np.int64))


def stored_events(path: Path) -> Iterator[Events]:
    """Yield the sequences of one shard, row by row.

    Raises:
        InputError: the shard is missing or damaged.
    """
    try:
        with h5py.File(path, "r") as file:
            data: dict[str, Any] = {name: cast(h5py.Dataset, own)[:] for name, own in file.items()}
            texts = pa.array([str(text, "utf-8") for text in data["texts"]], pa.string())
    except (OSError, KeyError) as error:
        raise InputError(
            f"shard '{path.parent.name}/{path.name}' cannot be read; ingest again"
        ) from error
    for start, stop in zip(data["offsets"][:-1], data["offsets"][1:], strict=True):
        own = slice(int(start), int(stop))
        yield Events(
            seconds=data["seconds"][own],
            known_seconds=data["known_seconds"][own],
            kind=data["kind"][own],
            text=texts.take(pa.array(data["text"][own])),
        )


def events_hash(events: Events) -> str:
    """Return the sha256 of a sequence: what happened, and when."""
    total = hashlib.sha256(events.seconds.astype(np.int32).tobytes())
    total.update(events.kind.astype(np.int8).tobytes())
    total.update("\n".join(events.text.to_pylist()).encode())
    return total.hexdigest()
