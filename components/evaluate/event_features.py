"""Numbers that a simple model takes of event sequences: counts, and the last value of each item.

Of the whole sequence: log(1 + count) of each kind of event and of abnormal results, the share of
results that are abnormal, log(1 + hours) since the first and since the last event. Of each item in
use (`event_items`, told apart by kind): log(1 + count), its last number as ±log(1 + |number|), and
log(1 + hours) since it was last there. They are fixed functions of a record; which items are used
is chosen on the rows that a model learns from. Shapes: `n` records, `T` events, `P` pairs of a
record and an item in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from components.core.data.cohort import Rows
from components.core.data.event_input import EventInput
from components.core.data.event_shards import FlatEvents
from components.core.data.event_stats import KINDS, hours_of
from components.core.data.stored_events import EVENT_KINDS
from components.core.schemas import codes
from components.evaluate.event_items import Items, items_of

Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
# (place in EVENT_KINDS, item): the same words are another thing as an order and as a result.
Item = tuple[int, str]
# Those that most patients have; beyond, drugs and cultures are rarer than one patient in twenty.
MOST_ITEMS = 200
# As a category needs, to be a column of the clinical fields.
FEWEST_PATIENTS = 5
_EACH, _WHOLE = 3, KINDS + 4
_LAB = EVENT_KINDS.index("lab")
_CHUNK = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class Summary:
    """What one record's events come to.

    Attributes:
        whole: `[9]` numbers of the whole sequence.
        key: `[P]` item × kinds + kind of each of its items.
        numbers: `[P, 3]` theirs.
    """

    whole: Singles
    key: npt.NDArray[np.int32]
    numbers: Singles


class EventNumbers:
    """Numbers of the event sequences of one cohort, summed up once and kept for all fits."""

    def __init__(self) -> None:
        self._texts: pa.Array | None = None
        self._items: Items | None = None
        self._kept: dict[str, Summary] = {}

    def chosen(self, seen: Sequence[Rows]) -> tuple[Item, ...]:
        """Return the items that most patients of some rows have, at most `MOST_ITEMS`.

        Those that fewer than `FEWEST_PATIENTS` have are left out; none of rows without sequences.
        """
        parts = [rows for rows in seen if rows.events is not None]
        if not parts:
            return ()
        own = [each for rows in parts for each in self._summaries(rows)]
        patient = codes(pd.concat([rows.frame["patient_id"] for rows in parts]))
        key = np.concatenate([each.key for each in own]).astype(np.int64)
        owner = np.repeat(patient, [len(each.key) for each in own])
        count = np.bincount(np.unique(key << 32 | owner) >> 32)  # patients of each
        often = np.flatnonzero(count >= FEWEST_PATIENTS)
        names = [self._name(each) for each in often.tolist()]
        ranked = sorted(zip((-count[often]).tolist(), names, strict=True))
        return tuple(name for _, name in ranked[:MOST_ITEMS])

    def numbers(self, rows: Rows, items: Sequence[Item]) -> Singles:
        """Return `[n, 9 + 3 · items]`, NaN where there is nothing; `[n, 0]` without sequences."""
        if rows.events is None:
            return np.zeros((len(rows), 0), np.float32)
        own = list(self._summaries(rows))
        out = np.full((len(own), _WHOLE + _EACH * len(items)), np.nan, np.float32)
        out[:, :_WHOLE] = [each.whole for each in own]
        out[:, _WHOLE::_EACH] = 0.0  # counts
        row = np.repeat(np.arange(len(own)), [len(each.key) for each in own])
        column = self._columns(items)[np.concatenate([each.key for each in own])]
        values = np.concatenate([each.numbers for each in own])
        used = column >= 0
        place = column[used, None] + np.arange(_EACH)
        out[row[used, None], place] = values[used]
        return out

    def _columns(self, items: Sequence[Item]) -> Ints:
        """Return of each key the first of an item's columns, −1 of one that is not in use."""
        names = self._known.names
        place = {name: number for number, name in enumerate(names)}
        out = np.full(max(1, len(names)) * KINDS, -1, np.int64)
        for number, (kind, name) in enumerate(items):
            if name in place:  # another cohort may never have had it
                out[place[name] * KINDS + kind] = _WHOLE + _EACH * number
        return out

    def _name(self, key: int) -> Item:
        return key % KINDS, self._known.names[key // KINDS]

    @property
    def _known(self) -> Items:
        if self._items is None:
            raise ValueError("no sequence has been read")
        return self._items

    def _summaries(self, rows: Rows) -> Iterator[Summary]:
        if rows.events is None:
            return
        items = self._read(rows.events)
        ids = rows.frame["sample_id"].tolist()
        wanted = np.array([i for i, name in enumerate(ids) if name not in self._kept], np.int64)
        for first in range(0, len(wanted), _CHUNK):
            index = wanted[first : first + _CHUNK]
            for i, own in zip(index, summarised(rows.events.events(index), items), strict=True):
                self._kept[ids[i]] = own
        yield from (self._kept[name] for name in ids)

    def _read(self, events: EventInput) -> Items:
        """Return what the cohort's texts name.

        Raises:
            ValueError: these are another cohort's.
        """
        if self._items is None:
            self._texts, self._items = events.texts, items_of(events.texts)
        if events.texts is not self._texts and not events.texts.equals(self._texts):
            raise ValueError("the numbers of another cohort's events are kept; take others")
        return self._items


def summarised(events: FlatEvents, items: Items) -> Iterator[Summary]:
    """Yield what each record's events come to.

    What happened, or came to be known, after the prediction is left out.

    Args:
        events: of `n` records.
        items: what their texts name.
    """
    events = events.chosen((events.seconds >= 0) & (events.known_seconds >= 0))
    whole = _whole(events, items)
    record, key, numbers = _pairs(events, items)
    ends = np.searchsorted(record, np.arange(len(whole)), side="right")
    for own, first, last in zip(whole, [0, *ends[:-1].tolist()], ends.tolist(), strict=True):
        yield Summary(whole=own, key=key[first:last], numbers=numbers[first:last])


def _pairs(events: FlatEvents, items: Items) -> tuple[Ints, npt.NDArray[np.int32], Singles]:
    """Return record, key `[P]` and numbers `[P, 3]` of each pair, record by record."""
    record = np.repeat(np.arange(len(events.lengths)), events.lengths)
    key = items.item[events.text] * KINDS + events.kind
    pair = record << 32 | key
    order = np.lexsort((-events.seconds, pair))  # the latest last; it is stable
    starts = np.flatnonzero(np.diff(pair[order], prepend=-1))
    if not len(starts):
        return record, key.astype(np.int32), np.zeros((0, _EACH), np.float32)
    ends = np.append(starts[1:], len(order))
    number = items.number[events.text[order]]
    told = np.maximum.reduceat(np.where(np.isfinite(number), np.arange(len(order)), -1), starts)
    last = np.where(told >= 0, number[told], np.nan)
    hours = hours_of(events.seconds[order[ends - 1]])
    values = [np.log1p(ends - starts), np.sign(last) * np.log1p(np.abs(last)), np.log1p(hours)]
    first = order[starts]
    return record[first], key[first].astype(np.int32), np.stack(values, axis=1).astype(np.float32)


def _whole(events: FlatEvents, items: Items) -> Singles:
    """Return `[n, 9]` numbers of whole sequences."""
    size = len(events.lengths)
    record = np.repeat(np.arange(size), events.lengths)
    cell = record * KINDS + events.kind
    counts = np.bincount(cell, minlength=size * KINDS).reshape(size, KINDS)
    flagged = items.abnormal[events.text] & (events.kind == _LAB)
    abnormal = np.bincount(record[flagged], minlength=size)
    out = np.full((size, _WHOLE), np.nan)
    out[:, :KINDS], out[:, KINDS] = np.log1p(counts), np.log1p(abnormal)
    tested = counts[:, _LAB] > 0
    out[tested, KINDS + 1] = abnormal[tested] / counts[tested, _LAB]
    there = events.lengths > 0
    if there.any():
        hours, starts = hours_of(events.seconds), events.offsets[:-1][there]
        out[there, KINDS + 2] = np.log1p(np.maximum.reduceat(hours, starts))
        out[there, KINDS + 3] = np.log1p(np.minimum.reduceat(hours, starts))
    return out.astype(np.float32)
