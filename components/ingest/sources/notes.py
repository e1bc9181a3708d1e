"""Clinical notes beside a manifest, or inside its rows.

No text of a note, nor any cell of its table, enters a reject row, an error or a log.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from components.core import cells, tables
from components.core.beside import locate
from components.core.config.base import Frozen
from components.core.errors import RecordError
from components.ingest.records import Note, Reject

Column = Literal["patient_id", "time", "stored", "text"]
COLUMNS: tuple[Column, ...] = ("patient_id", "time", "stored", "text")


class NoteOptions(Frozen):
    """Where the notes lie and how their table is written.

    Attributes:
        notes: CSV (or `.csv.gz`) beside the manifest, under its folder, one note a row; empty =
            none.
        note_columns: our column name (`patient_id`, `time`, `stored`, `text`) → the table's.
        note_column: column of the manifest with a note inside the row; empty = none.
        note_time_column: column with the time of that note; empty = undated.
    """

    notes: str = ""
    note_columns: dict[Column, str] = Field(default_factory=dict[Column, str])
    note_column: str = ""
    note_time_column: str = ""


def read_notes(folder: Path, options: NoteOptions, *, shifted: bool) -> Iterator[Note | Reject]:
    """Yield one note or reject per row of the table that `options.notes` names.

    `stored` is used where the table has it. A row needs a text and one of the two times.

    Args:
        folder: of the manifest; the table lies under it.
        options: file and columns.
        shifted: dates may lie in the future.

    Raises:
        InputError: the file lies elsewhere, is missing or lacks a column.
    """
    names: dict[Column, str] = {name: options.note_columns.get(name, name) for name in COLUMNS}
    file = locate(folder, options.notes, "notes")
    yield from read_table(file, names, shifted=shifted, optional="stored")


def read_table(
    file: Path, names: dict[Column, str], *, shifted: bool, optional: Column | None = None
) -> Iterator[Note | Reject]:
    """Yield one note or reject per row of a table of notes, streaming.

    Args:
        file: the table.
        names: our column name → the table's.
        shifted: dates may lie in the future.
        optional: a column that the table may lack.

    Raises:
        InputError: the table is missing, unreadable or lacks a column.
    """
    header, rows = tables.open_table(file)
    tables.require(header, [c for n, c in names.items() if n != optional], file.name)
    for line, row in rows:
        try:
            tables.check_width(row, header)
            yield _note(row, line, names, shifted=shifted)
        except RecordError as error:
            # A cell of a shifted row may be a piece of a note: none is repeated.
            yield Reject.of(_silent(error), file=file.name, row=line)


def _note(row: tables.Row, line: int, names: dict[Column, str], *, shifted: bool) -> Note:
    time, stored = cells.moments(row, names["time"], names["stored"], shifted=shifted)
    if time is None and stored is None:
        raise RecordError(
            "missing_value", "the note has no date, so when it was known cannot be told",
            field=names["time"], advice="date the note, or put it into the manifest's row",
        )  # fmt: skip
    return Note(
        patient_id=cells.required(row, names["patient_id"]),
        record_id=None,
        time=time,
        stored=stored,
        text=cells.required(row, names["text"]),
        row=line,
    )


def row_note(
    row: tables.Row, line: int, options: NoteOptions, *, patient: str, record: str, shifted: bool
) -> Note:
    """Return the note inside a manifest's row; its text is empty where the cell is.

    Raises:
        RecordError: its time is none.
    """
    column = options.note_time_column
    time = cells.moment(row, column, shifted=shifted) if column else None
    text = cells.text(row, options.note_column) or ""
    return Note(patient_id=patient, record_id=record, time=time, stored=None, text=text, row=line)


def row_reject(error: RecordError, line: int) -> Reject:
    """Return the reject row of a note inside a manifest's row, without any cell of it."""
    return Reject.of(_silent(error), row=line)


def _silent(error: RecordError) -> RecordError:
    return RecordError(error.code, error.reason, field=error.field, advice=error.advice)
