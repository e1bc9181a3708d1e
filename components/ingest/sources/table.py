"""`table`: a tabular cohort, one row per patient or visit, with a declared column mapping."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, model_validator

from components.core import cells, tables
from components.core.errors import RecordError
from components.ingest.records import Record, Reject
from components.ingest.sources.measurements import (
    Measurement,
    MeasurementOptions,
    read_measurements,
)

NAME = "table"


class Options(MeasurementOptions):
    """How the table is written and which columns mean what.

    Attributes:
        label: column with 0, 1 or nothing; empty where measurements give the label.
        tabular: feature column → `numeric` or `categorical`.
        patient_id: column; empty makes every row its own patient, and the card says so.
        separator: between cells.
        decimal: decimal mark of numbers.
        site: column, or empty.
        event_time_days: column, or empty.
        followup_days: column, or empty.
        time_days: column with the days to the event where the label is 1 and to the last contact
            where it is not, as survival data are often laid out; in place of the two above.
        death_days: column, or empty.
        index_time: column, or empty.
        split: column with train, val or test, or empty.
        Serial measurements: see `MeasurementOptions`; separator and decimal mark are the table's.
    """

    label: str = ""
    tabular: dict[str, cells.Kind] = Field(min_length=1)
    patient_id: str = ""
    separator: str = Field(default=",", min_length=1, max_length=1)
    decimal: str = Field(default=".", min_length=1, max_length=1)
    site: str = ""
    event_time_days: str = ""
    followup_days: str = ""
    time_days: str = ""
    death_days: str = ""
    index_time: str = ""
    split: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Options:
        if not self.label and not self.measurements:
            raise ValueError("name the column 'label', or 'measurements' that give the label")
        if self.measurements and not self.patient_id:
            raise ValueError("measurements are joined by patient: name the column 'patient_id'")
        if self.time_days and (self.event_time_days or self.followup_days or not self.label):
            raise ValueError(
                "time_days needs 'label' and stands in place of event_time_days and followup_days"
            )
        return self


def read(path: Path, options: Options) -> Iterator[Record | Reject]:
    """Yield one record or reject per row.

    Raises:
        InputError: the table is missing, empty, unreadable, or lacks a declared column.
    """
    header, rows = tables.open_table(path, separator=options.separator)
    named = (options.label, options.patient_id, options.site, options.event_time_days)
    more = (options.followup_days, options.time_days, options.death_days, options.index_time,
            options.split, *options.tabular)  # fmt: skip
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


def measurements(path: Path, options: Options) -> Iterator[Measurement | Reject] | None:
    """Return the serial measurements; None where the options name none."""
    if not options.measurements:
        return None
    return read_measurements(path, options, separator=options.separator, decimal=options.decimal)


def _record(row: tables.Row, line: int, options: Options) -> Record:
    def days(column: str) -> float | None:
        return cells.number(row, column, decimal=options.decimal) if column else None

    label = cells.label(row, options.label, decimal=options.decimal) if options.label else None
    event, followup = days(options.event_time_days), days(options.followup_days)
    if options.time_days:
        followup = days(options.time_days)
        event = followup if label == 1 else None
    patient = cells.required(row, options.patient_id) if options.patient_id else f"row-{line}"
    return Record(
        record_id=f"row-{line}",
        patient_id=patient,
        row=line,
        label=label,
        site=cells.text(row, options.site) if options.site else None,
        index_time=cells.moment(row, options.index_time) if options.index_time else None,
        event_time_days=event,
        followup_days=followup,
        death_days=days(options.death_days),
        given_split=cells.split(row, options.split) if options.split else None,
        tabular=cells.features(row, options.tabular, decimal=options.decimal),
    )
