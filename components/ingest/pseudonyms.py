"""Puts keyed pseudonyms in the place of ids before anything is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from components.core.errors import CardioError
from components.core.patient_key import Kind, PatientKey
from components.ingest.records import Note, Record, Reject
from components.ingest.sources.measurements import Measurement

# Columns of side tables (the synthetic cohort's truth) that hold ids.
_ID_COLUMNS: dict[str, Kind] = {
    "patient_id": "patient",
    "recording_id": "recording",
    "sample_id": "recording",
    "duplicate_of": "recording",
}


class Pseudonyms:
    """Ids to pseudonyms under one key; remembers digests, never ids.

    A source without ids numbers its rows (`row-N`); such a name is left as it is.
    """

    def __init__(self, key: PatientKey) -> None:
        self._key = key
        self._seen: dict[str, bytes] = {}

    def items(self, items: Iterable[Record | Reject]) -> Iterator[Record | Reject]:
        """Yield the items without an id, a file name or a quoted value."""
        for item in items:
            yield item.withheld() if isinstance(item, Reject) else self._record(item)

    def measurements(self, items: Iterable[Measurement | Reject]) -> Iterator[Measurement | Reject]:
        """Yield serial measurements under the pseudonyms of their patients."""
        for item in items:
            if isinstance(item, Reject):
                yield item.withheld()
            else:
                yield replace(item, patient_id=self.of("patient", item.patient_id))

    def notes(self, items: Iterable[Note | Reject]) -> Iterator[Note | Reject]:
        """Yield notes under the pseudonyms of their patients; the texts stay as they are."""
        for item in items:
            if isinstance(item, Reject):
                yield item.withheld()
                continue
            name = item.record_id
            yield replace(
                item,
                patient_id=self._unless_own("patient", item.patient_id, item.row),
                record_id=None if name is None else self._unless_own("recording", name, item.row),
            )

    def _record(self, record: Record) -> Record:
        return replace(
            record,
            patient_id=self._unless_own("patient", record.patient_id, record.row),
            record_id=self._unless_own("recording", record.record_id, record.row),
            media_patients={
                name: self._unless_own("patient", whose, record.row)
                for name, whose in record.media_patients.items()
            },
            file="",
            keyed=True,
        )

    def _unless_own(self, kind: Kind, name: str, row: int) -> str:
        """Return the pseudonym, or the name where it is the row's number (and a part's in it)."""
        own = re.fullmatch(rf"row-{row}(\.\d+)?", name)
        return name if own else self.of(kind, name)

    def of(self, kind: Kind, name: str) -> str:
        """Return the pseudonym of an id.

        Raises:
            CardioError: two ids have the same pseudonym.
        """
        short, whole = self._key.pseudonym(kind, name), self._key.full(kind, name)
        if self._seen.setdefault(f"{kind}{short}", whole) != whole:
            raise CardioError(
                f"two {kind} ids have the same pseudonym under this key; use another key"
            )
        return short

    def copy_table(self, source: Path, target: Path) -> None:
        """Copy a Parquet table with pseudonyms in its id columns."""
        table = pq.read_table(source)
        for name, kind in _ID_COLUMNS.items():
            if name in table.column_names:
                plain = table.column(name).to_pylist()
                keyed = pa.array([self.of(kind, v) if v else v for v in plain], pa.string())
                table = table.set_column(table.column_names.index(name), name, keyed)
        pq.write_table(table, target)
