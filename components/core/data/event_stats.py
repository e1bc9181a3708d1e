"""What a fold's training part teaches of event sequences: the texts' encoder, the scale of time."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.core.config.base import Frozen
from components.core.config.events import EventsConfig
from components.core.data.event_shards import FlatEvents
from components.core.data.event_words import with_places
from components.core.data.stored_events import EVENT_KINDS
from components.core.data.texts import EncodedText, Singles
from components.core.errors import InputError
from components.core.text.identity import EncoderIdentity
from components.core.text.tfidf import MOST_NOTES, TfidfEncoder, fit_tfidf

KINDS = len(EVENT_KINDS)
_SECONDS_AN_HOUR = 3600.0
# Longest and shortest period of the encoding of time in hours: from minutes to a month in hospital.
_PERIODS = np.geomspace(0.5, 24 * 32, 8)
Ints = npt.NDArray[np.int64]


class TimeStats(Frozen):
    """How hours before the prediction become numbers.

    Attributes:
        kind: `scalar` (one number) or `encoding` (sixteen).
        mean: of log(1 + hours) over the training part's events; 0 for `encoding`.
        sd: likewise; 1 for `encoding`, and where all are alike.
    """

    kind: Literal["scalar", "encoding"]
    mean: float = 0.0
    sd: float = 1.0

    @property
    def width(self) -> int:
        """Return how many numbers."""
        return 1 if self.kind == "scalar" else 2 * len(_PERIODS)

    def encode(self, hours: npt.NDArray[np.float32]) -> Singles:
        """Return `[T, width]` of hours before the prediction `[T]`, negative after it."""
        if self.kind == "scalar":
            return ((_logarithm(hours) - self.mean) / self.sd).astype(np.float32)[:, None]
        angle = 2 * np.pi * hours[:, None] / _PERIODS
        return np.concatenate([np.sin(angle), np.cos(angle)], axis=1).astype(np.float32)


class EventStats(Frozen):
    """Statistics of one fold's training part.

    Attributes:
        text: TF-IDF fitted on its events' texts, or mean and SD of a frozen encoder's vectors.
        time: the scale of time.
    """

    text: TfidfEncoder | EncodedText
    time: TimeStats

    @property
    def text_width(self) -> int:
        """Return the width of a text's vector."""
        return len(self.text.mean)

    @property
    def width(self) -> int:
        """Return the width of a step: kinds, text, time."""
        return KINDS + self.text_width + self.time.width


def hours_of(seconds: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
    """Return hours of seconds."""
    return (seconds / _SECONDS_AN_HOUR).astype(np.float32)


def fit_events(
    events: FlatEvents,
    patients: npt.NDArray[np.object_],
    texts: pa.Array,
    config: EventsConfig,
    encoded: tuple[EncoderIdentity, Singles] | None,
) -> EventStats:
    """Return what a training part's events teach.

    Each patient's distinct texts are fitted on, so that a result repeated every hour does not
    weigh more than a diagnosis that is named once.

    Args:
        events: of the `n` training records.
        patients: `[n]` whose they are.
        texts: `[U]` of the whole cohort, of which the training part's alone are looked at.
        config: how texts and time become numbers.
        encoded: of a frozen encoder: its identity and its vectors `[U, width]`.

    Raises:
        InputError: there is no event, or TF-IDF finds no usable term.
    """
    if not len(events.seconds):
        raise InputError(
            "preprocess.modalities names events, but no training record has one; bring event "
            "sequences or leave events out"
        )
    if encoded is None:
        text, owner = _pairs(events, patients)
        said = with_places(texts.take(pa.array(text)).to_pylist())
        fitted = fit_tfidf(said, config.text, patients=owner.tolist())
        return EventStats(text=fitted, time=_time(events, config))
    identity, vectors = encoded
    known = vectors[np.unique(events.text)].astype(np.float64)
    sd = known.std(axis=0)
    own = EncodedText(
        identity=identity,
        mean=tuple(known.mean(axis=0).tolist()),
        sd=tuple(np.where(sd > 0, sd, 1.0).tolist()),
    )
    return EventStats(text=own, time=_time(events, config))


def _pairs(events: FlatEvents, patients: npt.NDArray[np.object_]) -> tuple[Ints, Ints]:
    """Return text and number of the patient of each distinct pair, evenly thinned."""
    _, number = np.unique(patients, return_inverse=True)
    owner = np.repeat(number.astype(np.int64), events.lengths)
    both = np.unique(owner << 32 | events.text.astype(np.int64))
    taken = both[:: max(1, -(-len(both) // MOST_NOTES))]
    return taken & 0xFFFFFFFF, taken >> 32


def _time(events: FlatEvents, config: EventsConfig) -> TimeStats:
    if config.time == "encoding":
        return TimeStats(kind="encoding")
    values = _logarithm(hours_of(events.seconds)).astype(np.float64)
    sd = float(values.std())
    return TimeStats(kind="scalar", mean=float(values.mean()), sd=sd if sd > 0 else 1.0)


def _logarithm(hours: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return log(1 + hours), mirrored for what lies after the prediction."""
    return np.sign(hours) * np.log1p(np.abs(hours))
