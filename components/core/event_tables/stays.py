"""The rows of stays, read cell by cell: each is a stay without its events, or a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.core import cells, tables
from components.core.beside import locate
from components.core.errors import InputError, RecordError, quoted
from components.core.event_tables.options import Options

# Rows of Parquet turned into cells at once.
_ROWS = 10_000
_DATE_LENGTH = 10


@dataclass(frozen=True, kw_only=True)
class Stay:
    """A row that can be used, without its events.

    Attributes:
        row: line of the table (the header is line 1).
        stay_id: as the table of events has it.
        patient_id: as the table has it.
        label: 0, 1 or None; None where no column is named.
        site: None where no column is named or the cell is empty, and so on.
        period: years.
        given_split: train, val or test.
        index_time: of the prediction.
        stay_end_days: from the prediction to the end of the stay; None where it is not told.
        admission_end_days: likewise, to discharge or death.
        tabular: static feature → number, text or None (missing).
        zoned: the prediction time has a time zone, and came to UTC.
        file: name of the table.
    """

    row: int
    stay_id: str
    patient_id: str
    label: int | None
    site: str | None
    period: str | None
    given_split: str | None
    index_time: datetime | None
    stay_end_days: float | None
    admission_end_days: float | None
    tabular: dict[str, float | str | None]
    zoned: bool
    file: str


@dataclass(frozen=True, kw_only=True)
class RefusedStay:
    """A row that cannot be used.

    Attributes:
        row: line of the table.
        file: its name.
        error: why not.
    """

    row: int
    file: str
    error: RecordError


def files_of(path: Path, options: Options) -> tuple[Path, Path]:
    """Return the table of stays and that of events, which may be the same.

    Raises:
        InputError: one is missing.
    """
    root = path if path.is_dir() else path.parent
    stays = locate(root, options.stays, "stays") if path.is_dir() else path
    if not stays.is_file():
        raise InputError(f"the table '{path}' does not exist; correct the 'path' parameter")
    return stays, locate(root, options.events, "events") if options.events else stays


def read_stays(file: Path, options: Options) -> Iterator[Stay | RefusedStay]:
    """Yield what each row comes to.

    Raises:
        InputError: the table is unreadable or lacks a column.
    """
    seen = dict[str, int]()
    for line, row, width in _rows(file, options):
        try:
            tables.check_width(row, width)
            yield _stay(row, line, options, seen, file.name)
        except RecordError as error:
            yield RefusedStay(error=error, file=file.name, row=line)


def _stay(
    row: tables.Row, line: int, options: Options, seen: dict[str, int], file: str
) -> Stay:  # fmt: skip
    stay = cells.required(row, options.stay_id)
    cells.unique(stay, line, seen, field=options.stay_id)
    told = cells.required(row, options.prediction_time)
    clock = len(told) > _DATE_LENGTH
    return Stay(
        row=line,
        stay_id=stay,
        patient_id=cells.required(row, options.patient_id),
        label=cells.label(row, options.label) if options.label else None,
        site=cells.text(row, options.site) if options.site else None,
        period=cells.text(row, options.period) if options.period else None,
        given_split=cells.split(row, options.split) if options.split else None,
        index_time=cells.moment(row, options.prediction_time, shifted=options.dates_shifted),
        stay_end_days=_end(row, options.stay_end, options),
        admission_end_days=_end(row, options.admission_end, options),
        tabular=cells.features(row, options.tabular),
        zoned=clock and datetime.fromisoformat(told).tzinfo is not None,
        file=file,
    )


def _end(row: tables.Row, column: str, options: Options) -> float | None:
    """Return the days from the prediction to a time of the row; None where it has none."""
    if not column:
        return None
    named = (options.prediction_time, column)
    start, end = cells.moments(row, *named, shifted=options.dates_shifted)
    if start is None or end is None:
        return None
    days = (end - start) / timedelta(days=1)
    # A bare date is a whole day: of the prediction's own day nobody knows which came first.
    least = 0 if len(cells.text(row, column) or "") > _DATE_LENGTH else -1
    if days < least:
        raise RecordError(
            "over_before_prediction", f"the time in '{column}' is before the prediction",
            field=column, value=quoted(row[column] or "", time=True),
            advice="correct the times, or leave out stays that were over by then",
        )  # fmt: skip
    return days


def _rows(file: Path, options: Options) -> Iterator[tuple[int, tables.Row, list[str]]]:
    """Yield line, cells and header; lists of events are left where they are."""
    needed = options.of_stays() + ([] if options.events else options.of_events())
    if file.suffix != ".parquet":
        header, rows = tables.open_table(file)
        tables.require(header, needed, file.name)
        yield from ((line, row, header) for line, row in rows)
        return
    try:
        table = pq.ParquetFile(file)
        tables.require(table.schema_arrow.names, needed, file.name)
        header, line = options.of_stays(), 2
        for batch in table.iter_batches(_ROWS, columns=header):
            for row in batch.to_pylist():
                yield line, {name: _cell(value) for name, value in row.items()}, header
                line += 1
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"the table '{file.name}' is no whole Parquet file; copy it again"
        ) from error


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever Parquet holds
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, bool):
        return str(int(value))
    return "" if value is None else str(value)  # None is a cell that a CSV's row lacks
