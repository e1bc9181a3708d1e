"""`event_table`: anyone's own sequences of events, with a table of stays.

One row per event, or the events of a stay as lists in its own row; CSV or Parquet. Labels may be
absent, of stays to be scored. See docs/mortality_ingest.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from components.core import cells
from components.ingest.flow import Exit, Flow
from components.ingest.records import Record, Reject
from components.ingest.sources.engine import engine
from components.ingest.sources.event_rows import by_stay, no_events
from components.ingest.sources.event_table.options import Options as Options
from components.ingest.sources.event_table.rows import batches, check_rows, fates
from components.ingest.sources.event_table.stays import Stay, files_of, read_stays

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
    stays, events = files_of(path, options)
    items = list(read_stays(stays, options))
    known = [item for item in items if isinstance(item, Stay)]
    with engine(memory_gb=options.memory_gb) as connection:
        sequences = by_stay(batches(connection, events, options, known))
        place, found = next(sequences, (None, no_events()))
        number = 0
        for item in items:
            if isinstance(item, Reject):
                yield item
                continue
            mine = place == number
            yield replace(item.record, events=found if mine else no_events())
            if mine:
                place, found = next(sequences, (None, no_events()))
            number += 1


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
    check_rows(_fates(path, options), options.max_bad_rows, events.name)
    return sum(1 for _ in read_stays(stays, options))


def counts(path: Path, options: Options) -> dict[str, float]:
    """Return how many rows of events came to what."""
    found = _fates(path, options)
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


def _fates(path: Path, options: Options) -> dict[str, int]:
    stays, events = files_of(path, options)
    known = [item for item in read_stays(stays, options) if isinstance(item, Stay)]
    with engine(memory_gb=options.memory_gb) as connection:
        return fates(connection, events, options, known)
