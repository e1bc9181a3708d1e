"""Event sequences of records → rows of a shard; a record of a sequence without events is refused.

A sequence is all that such a record is about: nothing of it goes on without one.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from components.core.data.growing import written
from components.core.data.stored_events import (
    EVENT_KINDS,
    EventWriter,
    events_hash,
    stored_events,
)
from components.core.errors import RecordError
from components.core.modalities import EVENTS
from components.core.parts import part_paths
from components.core.schemas import EVENT_COUNT, HASH_PREFIX, ROW_PREFIX, SHARD_PREFIX, STAY_ENDS
from components.core.store import Workspace
from components.ingest.records import Record, Reject


@dataclass
class EventShards:
    """The shard of one chunk's sequences, opened where a record needs it.

    Args:
        folder: the stage's workspace.
        number: of the chunk.
        open_files: closes the shard when its own context ends.
    """

    folder: Path
    number: int
    open_files: ExitStack
    _writers: list[EventWriter] = field(default_factory=list[EventWriter])

    @property
    def there(self) -> bool:
        """Return whether any of the chunk's records has a sequence."""
        return bool(self._writers)

    def take(self, record: Record) -> tuple[dict[str, Any], list[Reject]]:
        """Return the manifest cells of a record's sequence; nothing of it is refused alone.

        Raises:
            RecordError: `no_event`.
        """
        if record.events is None:
            return {}, []
        if not len(record.events):
            raise RecordError(
                "no_event", "no event was known by the prediction time",
                advice="nothing to do, or see the counts of rows that were left out",
            )  # fmt: skip
        cells = {
            f"{SHARD_PREFIX}{EVENTS}": self.number,
            f"{ROW_PREFIX}{EVENTS}": self._writer().add(record.events),
            f"{HASH_PREFIX}{EVENTS}": events_hash(record.events),
            EVENT_COUNT: len(record.events),
            **{name: getattr(record, name) for name in STAY_ENDS},
        }
        return cells, []

    def _writer(self) -> EventWriter:
        if not self._writers:
            shard, _, _ = part_paths(self.folder, self.number, EVENTS)
            self._writers.append(self.open_files.enter_context(written(shard, EventWriter)))
        return self._writers[0]


def count_events(work: Workspace, manifest: pa.Table) -> None:
    """Count the events of the records that were read, of each kind.

    Args:
        work: holds the shards already; receives the counts.
        manifest: of the records that were read.
    """
    if EVENT_COUNT not in manifest.column_names:
        return
    total = np.zeros(len(EVENT_KINDS), np.int64)
    for shard in sorted(set(manifest.column(f"{SHARD_PREFIX}{EVENTS}").drop_null().to_pylist())):
        for each in stored_events(part_paths(work.folder, shard, EVENTS)[0]):
            total += np.bincount(each.kind, minlength=len(EVENT_KINDS))
    kinds = zip(EVENT_KINDS, total.tolist(), strict=True)
    work.counts |= {f"events_{name}": float(count) for name, count in kinds}
    work.counts["events"] = float(total.sum())
