"""`event_table`: anyone's own sequences of events, with a table of stays.

One row per event, or the events of a stay as lists in its own row; CSV or Parquet. Labels may be
absent, of stays to be scored. See docs/mortality_ingest.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from components.core import cells
from components.core.data.stored_events import Events
from components.core.event_tables.options import Options as Options
from components.core.event_tables.reading import count_fates, read_sequences
from components.core.event_tables.rows import check_rows
from components.core.event_tables.stays import RefusedStay, Stay, files_of, read_stays
from components.ingest.flow import Exit, Flow
from components.ingest.records import Record, Reject

NAME = "event_table"
READS_FOLDERS = True


def read(path: Path, options: Options) -> Iterator[Record | Reject]:
    """Yield a record per stay with the events known by its prediction, or why it is refused.

    Events stream, sorted by stay; the stays are held in memory.

    Args:
        path: the folder of both tables, or the table of stays.
        options: see `Options`.

    Raises:
        InputError: a table is missing, damaged, or lacks a column.
    """
    for item in read_sequences(path, options):
        if isinstance(item, RefusedStay):
            yield Reject.of(item.error, file=item.file, row=item.row)
        else:
            yield _record(item.stay, item.events)


def _record(stay: Stay, events: Events) -> Record:
    return Record(
        record_id=stay.stay_id,
        patient_id=stay.patient_id,
        row=stay.row,
        label=stay.label,
        site=stay.site,
        period=stay.period,
        given_split=stay.given_split,
        index_time=stay.index_time,
        stay_end_days=stay.stay_end_days,
        admission_end_days=stay.admission_end_days,
        tabular=stay.tabular,
        events=events,
        file=stay.file,
    )


def features(path: Path, options: Options) -> dict[str, cells.Kind]:
    """Return the static columns and their kinds."""
    del path
    return dict(options.tabular)


def count(path: Path, options: Options) -> int:
    """Return how many stays there are, after a look at whether their events can be read.

    Raises:
        InputError: too many rows of events cannot be used.
    """
    stays, events = files_of(path, options)
    check_rows(count_fates(path, options), options.max_bad_rows, events.name)
    return sum(1 for _ in read_stays(stays, options))


def counts(path: Path, options: Options) -> dict[str, float]:
    """Return how many rows of events came to what."""
    found = count_fates(path, options)
    rows = {f"event_rows_{fate}": float(n) for fate, n in sorted(found.items())}
    return {"event_rows": float(sum(found.values()))} | rows


def flow(path: Path, options: Options) -> Flow:
    """Return how many stays there are; who leaves is a reject."""
    stays, _ = files_of(path, options)
    return Flow(
        unit="stays",
        total=sum(1 for _ in read_stays(stays, options)),
        exits=(Exit(code="no_event", why="without any event known by the prediction"),),
    )
