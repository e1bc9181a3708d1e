"""`table`: a tabular cohort, one row per patient or visit, with a declared column mapping."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from components.core.config.base import Frozen
from components.core.errors import RecordError
from components.ingest.records import Record, Reject
from components.ingest.sources import cells, tables

NAME = "table"


class Options(Frozen):
    """How the table is written and which columns mean what.

    Attributes:
        label: column with 0, 1 or nothing.
        tabular: feature column → `numeric` or `categorical`.
        patient_id: column; empty makes every row its own patient, and the card says so.
        separator: between cells.
        decimal: decimal mark of numbers.
        site: column, or empty.
        event_time_days: column, or empty.
        followup_days: column, or empty.
        split: column with train, val or test, or empty.
    """

    label: str
    tabular: dict[str, cells.Kind] = Field(min_length=1)
    patient_id: str = ""
    separator: str = Field(default=",", min_length=1, max_length=1)
    decimal: str = Field(default=".", min_length=1, max_length=1)
    site: str = ""
    event_time_days: str = ""
    followup_days: str = ""
    split: str = ""


def read(path: Path, options: Options) -> Iterator[Record | Reject]:
    """Yield one record or reject per row.

    Raises:
        InputError: the table is missing, empty, unreadable, or lacks a declared column.
    """
    header, rows = tables.open_table(path, separator=options.separator)
    named = (options.label, options.patient_id, options.site, options.event_time_days)
    more = (options.followup_days, options.split, *options.tabular)
    tables.require(header, [*named, *more], path.name)
    for line, row in rows:
        try:
            tables.check_width(row, header)
            yield _record(row, line, options)
        except RecordError as error:
            yield Reject.of(error, file=path.name, row=line)


def features(path: Path, options: Options) -> dict[str, cells.Kind]:
    """Return the tabular features and their kinds."""
    del path
    return options.tabular


def _record(row: tables.Row, line: int, options: Options) -> Record:
    def days(column: str) -> float | None:
        return cells.number(row, column, decimal=options.decimal) if column else None

    patient = cells.required(row, options.patient_id) if options.patient_id else f"row-{line}"
    return Record(
        record_id=f"row-{line}",
        patient_id=patient,
        row=line,
        label=cells.label(row, options.label, decimal=options.decimal),
        site=cells.text(row, options.site) if options.site else None,
        event_time_days=days(options.event_time_days),
        followup_days=days(options.followup_days),
        given_split=cells.split(row, options.split) if options.split else None,
        tabular=cells.features(row, options.tabular, decimal=options.decimal),
    )
