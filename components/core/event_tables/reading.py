"""Both tables together: each stay with the events known by its prediction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from components.core.data.stored_events import Events
from components.core.engine import engine
from components.core.event_tables.options import Options
from components.core.event_tables.rows import batches, fates
from components.core.event_tables.sequences import by_stay, no_events
from components.core.event_tables.stays import RefusedStay, Stay, files_of, read_stays


@dataclass(frozen=True, kw_only=True, eq=False)
class Sequence:
    """A stay and its events, which may be none."""

    stay: Stay
    events: Events


def read_sequences(path: Path, options: Options) -> Iterator[Sequence | RefusedStay]:
    """Yield what each row of the stays comes to, in order.

    Events stream, sorted by stay; the stays are held in memory.

    Args:
        path: the folder of both tables, or the table of stays.
        options: how they are written.

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
            if isinstance(item, RefusedStay):
                yield item
                continue
            mine = place == number
            yield Sequence(stay=item, events=found if mine else no_events())
            if mine:
                place, found = next(sequences, (None, no_events()))
            number += 1


def count_fates(path: Path, options: Options) -> dict[str, int]:
    """Return how many rows of events came to what; arguments and errors as of `read_sequences`."""
    stays, events = files_of(path, options)
    known = [item for item in read_stays(stays, options) if isinstance(item, Stay)]
    with engine(memory_gb=options.memory_gb) as connection:
        return fates(connection, events, options, known)
