"""Which events of the explained records were planted, and which of them lie within their window.

A planted event moves the risk only within its window before the prediction; the same event earlier
moves nothing. Letters: `K` planted events, `T` events of several records, `U` texts of the cohort.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.data.event_input import EventInput
from components.core.data.event_shards import FlatEvents
from components.core.data.event_stats import hours_of
from components.core.data.stored_events import EVENT_KINDS
from components.core.planted_truth import truth_summary
from components.core.store import Stage

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class PlantedEvent:
    """An event that moves the risk where it lies within its window.

    Attributes:
        name: as people call it.
        kind: place in `EVENT_KINDS`.
        phrase: that the text of each such event contains, and no other event's.
        window_hours: before the prediction.
        log_odds: of the outcome.
    """

    name: str
    kind: int
    phrase: str
    window_hours: float
    log_odds: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Marks:
    """Which events of some records were planted.

    Attributes:
        offsets: `[n + 1]` where each record's events begin.
        number: `[T]` place among the planted events, −1 of any other event.
        inside: `[T]` whether it is one within its window.
    """

    offsets: Ints
    number: Ints
    inside: npt.NDArray[np.bool_]

    @property
    def earlier(self) -> npt.NDArray[np.bool_]:
        """Return `[T]` whether it is one before its window, which moves nothing."""
        return np.asarray((self.number >= 0) & ~self.inside, np.bool_)


def planted_in(ingest: Stage) -> tuple[PlantedEvent, ...]:
    """Return what was planted in the sequences; nothing where there is no such truth."""
    truth = truth_summary(ingest) or {}
    told = truth.get("planted", [])
    return tuple(
        PlantedEvent(
            name=str(each["name"]),
            kind=EVENT_KINDS.index(each["kind"]),
            phrase=str(each["phrase"]),
            window_hours=float(each["window_hours"]),
            log_odds=float(each["log_odds"]),
        )
        for each in told
    )


def marks(own: EventInput, planted: Sequence[PlantedEvent]) -> Marks:
    """Return which events of all records were planted.

    Args:
        own: the records' sequences.
        planted: what was.
    """
    events = own.events(np.arange(len(own)))
    number, inside = np.full(len(events.kind), -1), np.zeros(len(events.kind), np.bool_)
    for place, each in enumerate(planted):
        found = _said(own, events, each.phrase) & (events.kind == each.kind)
        number[found] = place
        inside[found] = hours_of(events.seconds)[found] <= each.window_hours
    return Marks(offsets=events.offsets, number=number, inside=inside)


def _said(own: EventInput, events: FlatEvents, phrase: str) -> npt.NDArray[np.bool_]:
    """Return `[T]` whether an event's text holds a phrase."""
    holds = np.array([phrase in text for text in own.texts.to_pylist()], np.bool_)
    return np.asarray(holds[events.text], np.bool_)
