"""`table`: a tabular cohort, one row per patient or visit, with a declared column mapping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from components.ingest.sources.survival import (
    FOLLOWUP,
    SurvivalColumns,
    Times,
    WideSeen,
    read_times,
)

NAME = "table"


class Options(MeasurementOptions):
    """How the table is written and which columns mean what.

    Attributes:
        label: column with 0, 1 or nothing; empty where times or measurements give the label.
        tabular: feature column → `numeric` or `categorical`.
        patient_id: column; empty makes every row its own patient, and the card says so.
        separator: between cells.
        decimal: decimal mark of numbers.
        site: column, or empty.
        event_time_days: column, or empty.
        followup_days: column, or empty.
        time_days: column with the days to the event where the label is 1 and to the last contact
            where it is not, as survival data are often laid out; in place of the two above.
        event: column with 0 (censored), 1 (event) or 2 (death without it) at `time_days`; in place
            of the label.
        event_by: True where the table has the columns `event_immediate`, `event_3mo`, `event_6mo`
            and `event_12mo`; `last_followup_days` is read where it is there.
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
    event: str = ""
    event_by: bool = False
    death_days: str = ""
    index_time: str = ""
    split: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Options:
        timed = self.event or self.event_by or self.event_time_days
        if not (self.label or self.measurements or timed):
            raise ValueError(
                "name the column 'label', or 'measurements' that give the label, or times to event"
            )
        if self.measurements and not self.patient_id:
            raise ValueError("measurements are joined by patient: name the column 'patient_id'")
        apart = self.event_time_days or self.followup_days
        if self.time_days and (apart or not (self.label or self.event)):
            raise ValueError(
                "time_days needs 'label' or 'event' and stands in place of event_time_days and "
                "followup_days"
            )
        if self.event and not self.time_days:
            raise ValueError("event says what happened at time_days; name that column, too")
        if self.event_by and (self.time_days or apart):
            raise ValueError("event_by stands in place of all other times to event")
        return self

    def survival(self, header: Sequence[str]) -> SurvivalColumns:
        """Return the columns of the times to event."""
        return SurvivalColumns(
            event_time_days=self.event_time_days,
            followup_days=self.followup_days,
            death_days=self.death_days,
            time_days=self.time_days,
            event=self.event,
            wide=self.event_by,
            last_followup=FOLLOWUP if self.event_by and FOLLOWUP in header else "",
            decimal=self.decimal,
        )


def read(path: Path, options: Options) -> Iterator[Record | Reject]:
    """Yield one record or reject per row.

    Raises:
        InputError: the table is missing, empty, unreadable, or lacks a declared column.
    """
    header, rows = tables.open_table(path, separator=options.separator)
    columns, seen = options.survival(header), WideSeen()
    named = (options.label, options.patient_id, options.site, options.index_time, options.split)
    tables.require(header, [*named, *columns.needed(), *options.tabular], path.name)
    for line, row in rows:
        try:
            tables.check_width(row, header)
            label = _label(row, options)
            yield _record(row, line, options, label, read_times(row, columns, seen, label=label))
        except RecordError as error:
            yield Reject.of(error, file=path.name, row=line)
    seen.check(columns, path.name)


def features(path: Path, options: Options) -> dict[str, cells.Kind]:
    """Return the tabular features and their kinds."""
    del path
    return options.tabular


def measurements(path: Path, options: Options) -> Iterator[Measurement | Reject] | None:
    """Return the serial measurements; None where the options name none."""
    if not options.measurements:
        return None
    return read_measurements(path, options, separator=options.separator, decimal=options.decimal)


def _label(row: tables.Row, options: Options) -> int | None:
    return cells.label(row, options.label, decimal=options.decimal) if options.label else None


def _record(
    row: tables.Row, line: int, options: Options, label: int | None, times: Times
) -> Record:
    patient = cells.required(row, options.patient_id) if options.patient_id else f"row-{line}"
    index = options.index_time
    return Record(
        record_id=f"row-{line}",
        patient_id=patient,
        row=line,
        label=label,
        site=cells.text(row, options.site) if options.site else None,
        index_time=cells.moment(row, index, shifted=options.dates_shifted) if index else None,
        event_time_days=times.event,
        followup_days=times.followup,
        death_days=times.death,
        given_split=cells.split(row, options.split) if options.split else None,
        tabular=cells.features(row, options.tabular, decimal=options.decimal),
    )
