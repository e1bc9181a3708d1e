"""Disturbances of event sequences: events lost, late, mistimed, or of a kind nobody records.

Each record draws from its own stream, the same for every size of a disturbance, so that neither the
batch nor other records change it and a greater one holds the smaller.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from components.core.config.evaluate import RobustnessConfig
from components.core.data.event_shards import COLUMNS, FlatEvents
from components.core.data.stored_events import EVENT_KINDS
from components.evaluate.robustness.recordings import Condition

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_SECONDS_AN_HOUR = 3600


@dataclass(frozen=True, kw_only=True, eq=False)
class Sequences:
    """The events of drawn test records.

    Attributes:
        ids: of the records; they seed what is drawn.
        events: theirs.
        seed: of all draws.
    """

    ids: tuple[str, ...]
    events: FlatEvents
    seed: int

    def draws(self, name: str) -> Iterator[np.random.Generator]:
        """Yield each record's own stream for a disturbance of that name."""
        for record in self.ids:
            yield np.random.default_rng(
                (self.seed, zlib.crc32(name.encode()), zlib.crc32(record.encode()))
            )


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """What is done to sequences.

    Attributes:
        condition: as figures and reports name it.
        change: makes other events of the records.
    """

    condition: Condition
    change: Callable[[Sequences], FlatEvents]


class Held:
    """Events held in memory, as a source of `core.data.event_input.EventInput`."""

    def __init__(self, events: FlatEvents) -> None:
        self._events = events
        self.lengths: Ints = events.lengths

    def read(self, index: Ints) -> FlatEvents:
        """Return the events of the named records, in that order."""
        return self._events.of_records(index)


def disturbances(config: RobustnessConfig) -> list[Disturbance]:
    """Return every disturbance that is asked for, kind by kind."""
    found = [_told("Events lost", f"lost_{100 * share:g}", f"{100 * share:g} % lost at random",
                   lost(share)) for share in config.drop_events]  # fmt: skip
    found += [_told("Times", f"shifted_{hours:g}h", f"times wrong by {hours:g} h (SD)",
                    shifted(hours)) for hours in config.shift_hours]  # fmt: skip
    found += [_told("Window", f"stale_{hours:g}h", f"nothing of the last {hours:g} h",
                    within(hours, np.inf)) for hours in config.stale_hours]  # fmt: skip
    found += [_told("Window", f"recent_{hours:g}h", f"the last {hours:g} h alone",
                    within(0, hours)) for hours in config.recent_hours]  # fmt: skip
    if config.kinds:
        found += [_told("Kinds", f"no_{kind}", f"no {kind} events", without(kind))
                  for kind in EVENT_KINDS]  # fmt: skip
    return found


def _told(
    kind: str, key: str, title: str, change: Callable[[Sequences], FlatEvents]
) -> Disturbance:
    condition = Condition(kind=kind, key=key, title=title, change=None)
    return Disturbance(condition=condition, change=change)


def lost(share: float) -> Callable[[Sequences], FlatEvents]:
    """Return what loses each event with that chance."""

    def change(own: Sequences) -> FlatEvents:
        parts = [rng.random(size) for rng, size in _sized(own, "lost")]
        return own.events.chosen(_joined(parts) >= share)

    return change


def shifted(hours: float) -> Callable[[Sequences], FlatEvents]:
    """Return what moves each time of a record by a normal draw, never beyond the prediction.

    What has one time, as the results of one sample, moves as one. The events are put in order of
    their new times.
    """

    def change(own: Sequences) -> FlatEvents:
        parts = [_moved(rng, seconds, hours) for rng, seconds in _timed(own)]
        seconds = _joined(parts).astype(np.int32)
        known = np.minimum(own.events.known_seconds, seconds)
        moved = replace(own.events, seconds=seconds, known_seconds=known)
        record = np.repeat(np.arange(len(own.ids)), own.events.lengths)
        order = np.lexsort((-seconds, record))
        return replace(moved, **{name: getattr(moved, name)[order] for name in COLUMNS})

    return change


def _moved(rng: np.random.Generator, seconds: npt.NDArray[np.int32], hours: float) -> Floats:
    times, place = np.unique(seconds, return_inverse=True)
    by = rng.standard_normal(len(times)) * hours * _SECONDS_AN_HOUR
    return np.maximum(times + by, 0)[place]


def within(first: float, last: float) -> Callable[[Sequences], FlatEvents]:
    """Return what keeps the events from `first` to below `last` hours before the prediction."""

    def change(own: Sequences) -> FlatEvents:
        hours = own.events.seconds / _SECONDS_AN_HOUR
        return own.events.chosen((hours >= first) & (hours < last))

    return change


def without(kind: str) -> Callable[[Sequences], FlatEvents]:
    """Return what leaves out a kind of event."""
    return lambda own: own.events.chosen(own.events.kind != EVENT_KINDS.index(kind))


def _sized(own: Sequences, name: str) -> Iterator[tuple[np.random.Generator, int]]:
    yield from zip(own.draws(name), own.events.lengths.tolist(), strict=True)


def _timed(own: Sequences) -> Iterator[tuple[np.random.Generator, npt.NDArray[np.int32]]]:
    each = np.split(own.events.seconds, own.events.offsets[1:-1])
    yield from zip(own.draws("shifted"), each, strict=True)


def _joined(parts: list[Floats]) -> Floats:
    return np.concatenate([np.empty(0), *parts])
