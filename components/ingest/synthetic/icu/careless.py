"""What a careless extraction would make of the same tables: leaks of the ICU part.

The generated files are MIMIC-IV's; each leak is a mistake in reading them, made here on purpose.
`comfort_care` is none: such orders are in the files themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from components.core.data.stored_events import EVENT_KINDS, Events
from components.ingest.records import Record, Reject
from components.ingest.sources import mimic_iv
from components.ingest.sources.event_rows import by_stay, no_events
from components.ingest.sources.mimic_iv import statements
from components.ingest.sources.mimic_iv.database import Database, open_database
from components.ingest.synthetic.icu.draw import HOUR

LENGTH_OF_STAY, STAY_DAYS = "length_of_stay", "length_of_stay_days"
TO_FINAL, AFTER, CHART = "time_to_final_event", "events_after_prediction", "chart_time"
_WHOLE = {AFTER, CHART}
# Those that are made by reading.
READING = {LENGTH_OF_STAY, TO_FINAL, *_WHOLE}
_LAB = EVENT_KINDS.index("lab")
# Every stay with its final event, death or discharge, in the place of the prediction.
_FINAL = "greatest(dischtime, coalesce(deathtime, dischtime))"
_TO_THE_END = f"select * replace ({_FINAL} as prediction_time) from ({{stays}}) whole"  # noqa: S608 - own text
_LENGTHS = f"""
select w.stay_id,
  cast(extract(epoch from ({_FINAL} - prediction_time)) as bigint) as final_seconds,
  extract(epoch from (i.outtime - i.intime)) as stay_seconds
from ({{stays}}) w join mimiciv_icu.icustays i on i.stay_id = w.stay_id
where step = 'kept' order by w.stay_id
"""  # noqa: S608 - own text


def careless(
    records: Iterator[Record | Reject], folder: Path, leaks: tuple[str, ...]
) -> Iterator[Record | Reject]:
    """Yield the records with the leaks that are asked for.

    Args:
        records: of the source `mimic_iv` from `folder`, in its order.
        folder: of the tables.
        leaks: names out of `READING`; others change nothing.
    """
    options = mimic_iv.Options()
    minutes = {"minutes": options.hours * 60}
    with open_database(folder, memory_gb=options.memory_gb) as database:
        lengths = _lengths(database, minutes)
        whole = _whole(database, minutes) if _WHOLE & set(leaks) else iter(())
        stay, events = next(whole, ("", no_events()))
        for record in records:
            if isinstance(record, Reject):
                yield record
                continue
            final, days = lengths[record.record_id]
            own = no_events()
            if stay == record.record_id:
                own = _shifted(events, -final)
                stay, events = next(whole, ("", no_events()))
            yield _leaking(record, own, final, days, leaks)


def _whole(database: Database, minutes: dict[str, float]) -> Iterator[tuple[str, Events]]:
    """Yield stays with all events up to the final one, in seconds before that."""
    sql = statements.events(
        collation=database.collation, every=_TO_THE_END.format(stays=statements.stays())
    )
    for stay, events in by_stay(database.batches(sql, minutes)):
        yield str(stay), events


def _lengths(database: Database, minutes: dict[str, float]) -> dict[str, tuple[int, float]]:
    """Return stay → seconds from prediction to the final event, and days in the ICU."""
    sql = _LENGTHS.format(stays=statements.stays())
    return {
        str(row["stay_id"]): (int(row["final_seconds"]), float(row["stay_seconds"]) / HOUR / 24.0)
        for batch in database.batches(sql, minutes)
        for row in batch.to_pylist()
    }


def _leaking(
    record: Record, whole: Events, final: int, days: float, leaks: tuple[str, ...]
) -> Record:
    events = record.events or no_events()
    if AFTER in leaks:
        events = whole
    elif CHART in leaks:
        charted = (whole.kind == _LAB) & (whole.seconds >= 0)
        events = _together(_where(events, events.kind != _LAB), _where(whole, charted))
    if TO_FINAL in leaks:
        events = _shifted(events, final)
    tabular = record.tabular | ({STAY_DAYS: days} if LENGTH_OF_STAY in leaks else {})
    return replace(record, events=events, tabular=tabular)


def _shifted(events: Events, seconds: int) -> Events:
    return replace(
        events,
        seconds=(events.seconds + seconds).astype(np.int32),
        known_seconds=(events.known_seconds + seconds).astype(np.int32),
    )


def _where(events: Events, rows: np.ndarray) -> Events:
    return Events(
        seconds=events.seconds[rows], known_seconds=events.known_seconds[rows],
        kind=events.kind[rows], text=events.text.filter(pa.array(rows)),
    )  # fmt: skip


def _together(first: Events, second: Events) -> Events:
    """Return the events of both in order of time."""
    seconds = np.concatenate([first.seconds, second.seconds])
    order = np.argsort(-seconds, kind="stable")
    known = np.concatenate([first.known_seconds, second.known_seconds])
    text = pa.concat_arrays([first.text, second.text])
    return Events(
        seconds=seconds[order], known_seconds=known[order],
        kind=np.concatenate([first.kind, second.kind])[order], text=text.take(pa.array(order)),
    )  # fmt: skip
