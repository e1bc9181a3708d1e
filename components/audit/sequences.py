"""What each record's event sequence looks like: how many events, how far back, how late."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.audit.finding import Audited, Finding
from components.core.data.event_input import read_events
from components.core.data.event_shards import FlatEvents
from components.core.data.event_stats import hours_of
from components.core.data.stored_events import EVENT_KINDS
from components.core.modalities import EVENTS
from components.core.schemas import EVENT_COUNT, SHARD_PREFIX

NONE = Finding(passed=True, sentence="the cohort has no sequences of events")
# Records whose events are in memory at once.
_LOT = 8192
Ints = npt.NDArray[np.int64]


def with_events(audited: Audited) -> pd.DataFrame:
    """Return the manifest rows that have an event, numbered from 0; none of other cohorts."""
    frame = audited.manifest
    if EVENTS not in audited.stage.facts.get("modalities", ()):
        return frame.iloc[:0]
    own = frame[f"{SHARD_PREFIX}{EVENTS}"].notna() & frame[EVENT_COUNT].fillna(0).gt(0)
    return frame[own].reset_index(drop=True)


def lots(audited: Audited, frame: pd.DataFrame) -> Iterator[tuple[int, FlatEvents]]:
    """Yield the events of some rows at a time, with the number of the first of them."""
    reader = read_events(audited.stage.folder, frame)
    for first in range(0, len(frame), _LOT):
        yield first, reader.read(np.arange(first, min(first + _LOT, len(frame))))


def described(audited: Audited, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a row per record with an event.

    Columns: `events`, `first_hours` and `last_hours` before the prediction, `span_hours`; of its
    events `after` the prediction, `known_later` though they happened before it, and `told_<kind>`
    whether any of that kind is said to be known at another time than it happened, with
    `held_<kind>` whether there is one.

    Args:
        audited: the cohort.
        frame: its rows, from `with_events`.
    """
    return pd.concat([_described(events) for _, events in lots(audited, frame)], ignore_index=True)


def _described(events: FlatEvents) -> pd.DataFrame:
    starts = events.offsets[:-1]
    first = hours_of(np.maximum.reduceat(events.seconds, starts))
    last = hours_of(np.minimum.reduceat(events.seconds, starts))
    after = events.seconds < 0
    other = events.known_seconds != events.seconds
    columns: dict[str, npt.NDArray[np.float32] | Ints] = {
        "events": events.lengths,
        "first_hours": first,
        "last_hours": last,
        "span_hours": first - last,
        "after": _sums(after, starts),
        "known_later": _sums((events.known_seconds < 0) & ~after, starts),
    }
    for number, kind in enumerate(EVENT_KINDS):
        columns[f"held_{kind}"] = _sums(events.kind == number, starts)
        columns[f"told_{kind}"] = _sums((events.kind == number) & other, starts)
    return pd.DataFrame(columns)


def _sums(flags: npt.NDArray[np.bool_], starts: Ints) -> Ints:
    return np.add.reduceat(flags.astype(np.int64), starts)
