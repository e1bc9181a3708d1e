"""Event sequences of a request: what happened to one patient before the prediction.

A row sends `events`, a list of objects
`{"hours_before_prediction": 3.5, "type": "lab", "text": "Lactate 4.1 mmol/L"}` in any order, or the
same as JSON text. A row that sends null, a blank text, an empty list or nothing has no sequence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import torch

from components.core.bundle_files import EventFacts
from components.core.bundle_text import event_vectors
from components.core.cells import MISSING
from components.core.data.batches import Batch, event_batch
from components.core.data.comfort_care import comfort_care
from components.core.data.event_input import EventInput
from components.core.data.event_shards import FlatEvents, in_order
from components.core.data.event_stats import KINDS, EventStats
from components.core.data.stored_events import EVENT_KINDS, Events
from components.core.errors import RecordError
from components.core.modalities import EVENTS
from components.core.text.tfidf import TfidfEncoder

HOURS, KIND, TEXT = "hours_before_prediction", "type", "text"
# Attention grows with the square of the length: the longest stay that a request may hold.
MOST = 20_000
_FIELDS = {HOURS, KIND, TEXT}
_SECONDS_AN_HOUR = 3600
# As ingest: seconds are kept as int32, which is 68 years.
_OLDEST = np.iinfo(np.int32).max
_EXAMPLE = '{"hours_before_prediction": 3.5, "type": "lab", "text": "Lactate 4.1 mmol/L"}'
_Told = tuple[int, int, str]


@dataclass(frozen=True, kw_only=True, eq=False)
class Taken:
    """A row's sequence as the networks take it in.

    Attributes:
        flat: its events, those of comfort care left out where training left them out.
        texts: `[U]` what `flat.text` points to.
        sent: how many events there were before.
    """

    flat: FlatEvents
    texts: pa.Array
    sent: int

    @property
    def there(self) -> bool:
        """Return whether any event is left."""
        return len(self.flat.seconds) > 0


@dataclass(eq=False)
class _One:
    """A source of one record's events."""

    flat: FlatEvents
    lengths: npt.NDArray[np.int64]

    def read(self, index: npt.NDArray[np.int64]) -> FlatEvents:
        del index
        return self.flat


def sent_events(row: Mapping[Any, Any], *, longest: int = 0) -> Events | None:
    """Return the sequence that a row sends, in the order in which it sends it; None without any.

    Args:
        row: of a request.
        longest: events of the longest sequence of training, which a request may have, too.

    Raises:
        RecordError: `not_json`, `wrong_type`, `too_many_events`, and of one event `wrong_fields`,
            `not_a_number`, `after_prediction`, `too_old`, `unknown_type` or `without_text`; its
            place is named, counted from 1.
    """
    items = _listed(row.get(EVENTS))
    if not items:
        return None
    most = max(MOST, longest)
    if len(items) > most:
        raise _refused(
            "too_many_events", f"has {len(items)} events, above the limit of {most}",
            "score it from files, which have no limit",
        )  # fmt: skip
    told = [_event(item, place) for place, item in enumerate(items, start=1)]
    seconds = np.array([each[0] for each in told], np.int32)
    return Events(
        seconds=seconds,
        known_seconds=seconds,
        kind=np.array([each[1] for each in told], np.int8),
        text=pa.array([each[2] for each in told], pa.string()),
    )


def _listed(sent: Any) -> list[Any]:  # noqa: ANN401 - a cell of whatever was sent
    if isinstance(sent, str):
        sent = _parsed(sent)
    if isinstance(sent, np.ndarray):
        sent = cast(Any, sent).tolist()
    if sent is None or (pd.api.types.is_scalar(sent) and pd.isna(sent)):
        return []
    if not isinstance(sent, (list, tuple)):
        raise _refused("wrong_type", "is no list of events", f"send a list of {_EXAMPLE}")
    return list(cast("Sequence[Any]", sent))


def _parsed(text: str) -> object:
    if text.strip() in MISSING:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused("not_json", "is a text that is no JSON", f"send [{_EXAMPLE}]") from error


def _event(item: object, place: int) -> _Told:
    """Return seconds before the prediction, kind and text of one event."""
    if not isinstance(item, Mapping) or set(cast("Mapping[Any, Any]", item)) != _FIELDS:
        raise _wrong(
            "wrong_fields", place, f"is no object of exactly {HOURS}, {KIND} and {TEXT}",
            f"send {_EXAMPLE}",
        )  # fmt: skip
    own = cast("Mapping[str, Any]", item)
    return _seconds(own[HOURS], place), _kind(own[KIND], place), _text(own[TEXT], place)


def _seconds(sent: object, place: int) -> int:
    hours = math.nan
    if not isinstance(sent, bool) and isinstance(sent, Real):
        try:
            hours = float(sent)
        except OverflowError:
            hours = math.inf
    if not math.isfinite(hours):
        raise _wrong("not_a_number", place, f"has no finite number as {HOURS}", "send the hours")
    if hours < 0:
        raise _wrong(
            "after_prediction", place, f"happened {-hours:g} h after the prediction",
            "send only what was known by then, or correct the sign",
        )  # fmt: skip
    seconds = round(hours * _SECONDS_AN_HOUR)
    if seconds > _OLDEST:
        raise _wrong(
            "too_old", place, f"happened {hours:g} h before the prediction, above 68 years",
            "correct it, or leave it out",
        )  # fmt: skip
    return seconds


def _kind(sent: object, place: int) -> int:
    name = sent.strip().lower() if isinstance(sent, str) else ""
    if name not in EVENT_KINDS:
        raise _wrong(
            "unknown_type", place, "is of an unknown type", f"send one of {', '.join(EVENT_KINDS)}"
        )
    return EVENT_KINDS.index(name)


def _text(sent: object, place: int) -> str:
    text = sent.strip() if isinstance(sent, str) else ""
    # Half of a surrogate pair, which JSON can hold, is no character.
    if not text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise _wrong("without_text", place, "has no readable text", "say what happened")
    return text


def taken(events: Events | None, given: EventFacts) -> Taken:
    """Return a sequence as training took its own.

    Args:
        events: of one record, in any order; None without any.
        given: what the bundle says of sequences.
    """
    text = pa.array([], pa.string()) if events is None else events.text
    coded = cast(pa.DictionaryArray, text.dictionary_encode())
    nothing = np.empty(0, np.int32)
    told = FlatEvents(
        seconds=nothing if events is None else events.seconds,
        known_seconds=nothing if events is None else events.known_seconds,
        kind=nothing.astype(np.int8) if events is None else events.kind,
        text=coded.indices.to_numpy(zero_copy_only=False).astype(np.int32),
        offsets=np.array([0, len(text)], np.int64),
    )
    flat = in_order(told, coded.dictionary)
    if given.comfort_care == "drop":
        flat = flat.chosen(~comfort_care(coded.dictionary)[flat.text])
    return Taken(flat=flat, texts=coded.dictionary, sent=len(text))


def sequence_batch(stats: EventStats, own: Taken, folder: str) -> Batch:
    """Return the sequence as a raw batch of one record; without any event one empty step.

    Args:
        stats: of the network's fold.
        own: the sequence.
        folder: of the frozen encoder, where the model has one.

    Raises:
        InputError: the folder is not given, or holds another encoder.
    """
    texts = own.texts.to_pylist() if own.there else []
    given = EventInput(
        source=_One(own.flat, own.flat.lengths),
        texts=own.texts,
        vectors=event_vectors(stats.text, texts, folder),
        stats=stats,
        index=np.zeros(1, np.int64),
    )
    return event_batch(given, np.zeros(1, np.int64))


# What an answer says of a row without static fields, where nobody in training lacked them.
NO_FIELDS = (
    "the static fields are absent, as in no record of training, so that what stands in their place "
    "was never learned"
)


def events_note(own: Taken, given: EventFacts, each: Sequence[tuple[EventStats, Batch]]) -> str:
    """Return how the sequence differs from those of training; empty where it does not.

    Args:
        own: the sequence.
        given: what the bundle says of sequences.
        each: of every network what its fold was taught, and the sequence as it takes it in.
    """
    kept = len(own.flat.seconds)
    notes: list[str] = []
    if kept < own.sent:
        notes.append(
            f"{own.sent - kept} of {own.sent} events speak of comfort care or a limit of treatment "
            "and are left out, as in training"
        )
    if not own.there and not given.absence_taught:
        notes.append(
            "the event sequence is absent, as in no record of training, so that what stands in its "
            "place was never learned"
        )
    if kept > given.longest:
        notes.append(f"the sequence has {kept} events, the longest of training {given.longest}")
    unknown = _unknown(each) if own.there else 0
    if unknown:
        notes.append(f"{unknown} of {kept} events hold no word that training knew")
    return "; ".join(notes)


def _unknown(each: Sequence[tuple[EventStats, Batch]]) -> int:
    """Return how many texts are at zero for every network; TF-IDF so takes unknown terms."""
    if not all(isinstance(stats.text, TfidfEncoder) for stats, _ in each):
        return 0
    known = [
        batch[EVENTS][0, :, KINDS : KINDS + stats.text_width].any(dim=1) for stats, batch in each
    ]
    return int((~torch.stack(known).any(dim=0)).sum())


def example_events() -> list[dict[str, object]]:
    """Return a sequence made of nobody's data, as a request sends it."""
    told = (
        (20.0, "prescription", "Heparin IV 5000 UNIT"),
        (6.5, "lab", "Lactate 2.4 mmol/L"),
        (1.0, "procedure", "Arterial Line"),
    )
    return [{HOURS: hours, KIND: kind, TEXT: text} for hours, kind, text in told]


def _wrong(code: str, place: int, reason: str, advice: str) -> RecordError:
    return RecordError(
        code, f"event {place} of the event sequence {reason}", field=EVENTS, advice=advice
    )


def _refused(code: str, reason: str, advice: str) -> RecordError:
    return RecordError(code, f"the event sequence {reason}", field=EVENTS, advice=advice)
