"""Clinical notes of a source → `notes.parquet`, the rest into the rejects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.core.errors import InputError
from components.core.files import write_atomic
from components.core.progress import say
from components.core.schemas import MANIFEST, NOTE_SCHEMA, NOTES
from components.core.store import Workspace
from components.ingest.records import Note, Reject
from components.ingest.rejects import add_rejects

# Notes held in memory at a time: ten megabytes of discharge summaries of 10,000 characters.
_BATCH = 1000


@dataclass
class _Seen:
    """What the stream of notes came to."""

    written: int = 0
    others: int = 0
    empty: int = 0
    refused: list[Reject] = field(default_factory=list[Reject])

    @property
    def total(self) -> int:
        return self.written + self.others + self.empty + len(self.refused)


def ingest_notes(work: Workspace, items: Iterable[Note | Reject], *, limit: float) -> None:
    """Write the notes of the manifest's patients and add the refused rows to the rejects.

    Notes of patients or records that the manifest does not have, and empty ones, are left out and
    counted. The notes stream: a batch is in memory at a time.

    Args:
        work: holds the manifest and the rejects already.
        items: notes and refused rows.
        limit: highest share of refused rows.

    Raises:
        InputError: too many rows were refused, or no note belongs to a patient of the manifest.
    """
    kept = pq.read_table(work.folder / MANIFEST, columns=["patient_id", "sample_id"])
    patients, samples = (set(kept.column(name).to_pylist()) for name in kept.column_names)
    seen = _Seen()

    def write(path: Path) -> None:
        with pq.ParquetWriter(path, NOTE_SCHEMA) as writer:
            batch: list[dict[str, Any]] = []
            for item in items:
                if _belongs(item, seen, patients, samples):
                    batch.append(_cells(item))
                if len(batch) >= _BATCH:
                    writer.write_table(pa.Table.from_pylist(batch, schema=NOTE_SCHEMA))
                    batch.clear()
            writer.write_table(pa.Table.from_pylist(batch, schema=NOTE_SCHEMA))

    write_atomic(work.path(NOTES), write)
    add_rejects(work, seen.refused, what="notes", total=seen.total, limit=limit)
    _state(work, seen)


def _belongs(item: Note | Reject, seen: _Seen, patients: set[str], samples: set[str]) -> bool:
    if isinstance(item, Reject):
        seen.refused.append(item)
    elif not item.text:
        seen.empty += 1
    elif item.patient_id in patients and (item.record_id is None or item.record_id in samples):
        seen.written += 1
        return True
    else:
        seen.others += 1
    return False


def _cells(note: Note | Reject) -> dict[str, Any]:
    cells = dict(vars(note))
    cells["sample_id"] = cells.pop("record_id")
    return cells


def _state(work: Workspace, seen: _Seen) -> None:
    if not seen.written:
        raise InputError(
            f"none of {seen.others} notes belongs to a patient of the manifest "
            f"({seen.empty} more are empty); compare the patient_id columns of the two tables"
        )
    if seen.others:
        say(f"note: {seen.others} notes of patients outside the manifest were left out")
    if seen.empty:
        say(f"note: {seen.empty} records have an empty note")
    work.counts |= {
        "notes": seen.written,
        "notes_of_others": seen.others,
        "notes_empty": seen.empty,
    }
