"""Event sequences of a cohort's records as ingest kept them, for a bundle to be asked about."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pandas as pd
import pyarrow as pa

from components.core.data.event_shards import FlatEvents, read_ingested, shard_file
from components.core.data.stored_events import Events
from components.core.modalities import EVENTS
from components.core.schemas import ROW_PREFIX, SHARD_PREFIX


class StoredSequences:
    """Sequences by record.

    Args:
        folder: of the ingest stage.
        frame: its manifest, by `sample_id`.
    """

    def __init__(self, folder: Path, frame: pd.DataFrame) -> None:
        self._folder, self._frame = folder, frame
        self._shards: dict[int, tuple[FlatEvents, pa.Array]] = {}

    def read(self, sample: str) -> Events | None:
        """Return a record's sequence, in order of time; None where it has none.

        Raises:
            InputError: its shard is missing or damaged.
        """
        cells = cast("dict[str, Any]", self._frame.loc[sample].to_dict())
        place = cells.get(f"{SHARD_PREFIX}{EVENTS}")
        if pd.isna(place):
            return None
        number, row = int(place), int(cells[f"{ROW_PREFIX}{EVENTS}"])
        if number not in self._shards:
            self._shards[number] = read_ingested(shard_file(self._folder, number))
        flat, texts = self._shards[number]
        own = slice(int(flat.offsets[row]), int(flat.offsets[row + 1]))
        return Events(
            seconds=flat.seconds[own],
            known_seconds=flat.known_seconds[own],
            kind=flat.kind[own],
            text=texts.take(pa.array(flat.text[own])),
        )
