"""Event sequences of some records as steps of a network, padded to the longest of a batch.

Letters: `n` records, `T` events of several of them, `B` batch, `S` steps of the longest sequence
in it, `W` width of a step, `U` distinct texts of the cohort.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from components.core.config.base import digest
from components.core.config.events import EventsConfig
from components.core.data.event_shards import EventReader, FlatEvents, read_texts, spans
from components.core.data.event_stats import KINDS, EventStats, fit_events, hours_of
from components.core.data.event_words import with_places
from components.core.data.texts import EncodedText, Singles
from components.core.errors import InputError
from components.core.modalities import EVENTS
from components.core.schemas import EMBEDDINGS, ROW_PREFIX, SHARD_PREFIX
from components.core.store import Stage
from components.core.text.identity import EncoderIdentity
from components.core.text.tfidf import TfidfEncoder

Ints = npt.NDArray[np.int64]
# A frozen encoder's vectors `[U, width]`, row by row of the table of texts.
FILE = f"{EMBEDDINGS}/events.npy"


class Source(Protocol):
    """Where the events of numbered records are read from."""

    lengths: Ints

    def read(self, index: Ints) -> FlatEvents:
        """Return the events of the named records, in that order."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """A batch of sequences.

    Attributes:
        values: `[B, S, W]` one-hot kind, text, time; 0 in padding, which is at the end.
        valid: `[B, S]` whether a step is an event.
        hours: `[B, S]` from it to the prediction; 0 in padding.
    """

    values: Singles
    valid: npt.NDArray[np.bool_]
    hours: Singles


@dataclass(frozen=True, kw_only=True, eq=False)
class EventInput:
    """The sequences of records, encoded by a fold's statistics.

    Attributes:
        source: of the events.
        texts: `[U]` what the events' `text` points to.
        vectors: `[U, width]` of the texts, as the fold encodes them.
        stats: of the fold.
        index: `[n]` number of each record in the source.
    """

    source: Source
    texts: pa.Array
    vectors: Singles
    stats: EventStats
    index: Ints

    def __len__(self) -> int:
        return len(self.index)

    @cached_property
    def lengths(self) -> Ints:
        """Return `[n]` events of each record."""
        return self.source.lengths[self.index]

    def take(self, index: Ints) -> EventInput:
        """Return the named records, in that order."""
        return replace(self, index=self.index[index])

    def events(self, index: Ints) -> FlatEvents:
        """Return the events of the named records as they are stored."""
        return self.source.read(self.index[index])

    def texts_of(self, events: FlatEvents) -> list[str]:
        """Return the text of each event."""
        return self.texts.take(pa.array(events.text)).to_pylist()

    def batch(self, index: Ints) -> Steps:
        """Return the named records as a padded batch; of records without events one empty step."""
        events = self.events(index)
        lengths = events.lengths
        longest = max(1, int(lengths.max(initial=0)))
        place = spans(np.arange(len(index)) * longest, lengths)
        values = np.zeros((len(index) * longest, self.stats.width), np.float32)
        hours = hours_of(events.seconds)
        values[place, events.kind] = 1.0
        values[place, KINDS : KINDS + self.stats.text_width] = self.vectors[events.text]
        values[place, KINDS + self.stats.text_width :] = self.stats.time.encode(hours)
        ago = np.zeros(len(values), np.float32)
        ago[place] = hours
        valid = np.zeros(len(values), np.bool_)
        valid[place] = True
        shape = (len(index), longest)
        return Steps(
            values=values.reshape(*shape, -1), valid=valid.reshape(shape), hours=ago.reshape(shape)
        )


def read_events(folder: Path, rows: pd.DataFrame) -> EventReader:
    """Return a reader of the sequences of manifest rows of a prepared cohort."""
    place = {
        name: rows[f"{name}{EVENTS}"].fillna(-1).to_numpy().astype(np.int64)
        for name in (SHARD_PREFIX, ROW_PREFIX)
    }
    return EventReader(folder, place[SHARD_PREFIX], place[ROW_PREFIX])


def open_events(stage: Stage, rows: pd.DataFrame, stats: EventStats | None) -> EventInput | None:
    """Return the sequences of manifest rows; None for a cohort or a model without any.

    Raises:
        InputError: the statistics are of a frozen encoder that this cohort was not read with.
    """
    if stats is None or EVENTS not in stage.facts["modalities"]:
        return None
    if isinstance(stats.text, EncodedText):
        check_encoder(stage, stats.text)
    return EventInput(
        source=read_events(stage.folder, rows),
        texts=_texts(stage.folder),
        vectors=_vectors(_Fold(stage.folder, digest(stats.model_dump(mode="json")), stats)),
        stats=stats,
        index=np.arange(len(rows)),
    )


def check_encoder(stage: Stage, text: EncodedText) -> None:
    """Refuse a cohort that another encoder read.

    Raises:
        InputError: it did.
    """
    if stage.facts.get("event_encoder") != text.identity.model_dump():
        raise InputError(
            f"the model reads events with '{text.identity.model}', which this cohort was not "
            "prepared with; prepare it with the same preprocess.events"
        )


def text_vectors(texts: pa.Array, stats: EventStats, raw: Singles | None) -> Singles:
    """Return `[U, width]` of texts.

    Args:
        texts: `[U]`.
        stats: of the fold.
        raw: of a frozen encoder: its vectors `[U, width]`.

    Raises:
        InputError: a frozen encoder's vectors are of another width.
    """
    if isinstance(stats.text, TfidfEncoder):
        return stats.text.transform(with_places(texts.to_pylist()))
    if raw is None:
        raise ValueError("a frozen encoder's vectors are needed")
    return stats.text.standardise(raw)


@lru_cache(maxsize=2)
def _texts(folder: Path) -> pa.Array:
    return read_texts(folder)


@dataclass(frozen=True)
class _Fold:
    folder: Path
    sha256: str
    stats: EventStats = field(compare=False)


@lru_cache(maxsize=2)  # train, validation and test part of a fold are opened one after the other
def _vectors(fold: _Fold) -> Singles:
    return text_vectors(_texts(fold.folder), fold.stats, raw_vectors(fold.folder))


def raw_vectors(folder: Path) -> Singles | None:
    """Return the frozen encoder's vectors `[U, width]`; None where there is no such file."""
    file = folder / FILE
    return np.load(file, mmap_mode="r", allow_pickle=False) if file.is_file() else None


def stage_events(stage: Stage, rows: pd.DataFrame) -> EventStats | None:
    """Return what the events of some rows of a prepared cohort teach; None without events."""
    if EVENTS not in stage.facts["modalities"]:
        return None
    return events_taught(stage.folder, stage.facts, rows)


def events_taught(folder: Path, facts: Mapping[str, Any], rows: pd.DataFrame) -> EventStats:
    """Return what the events of some rows teach.

    Args:
        folder: of the prepared cohort.
        facts: its own; `events` says how they are read.
        rows: of its manifest.
    """
    raw, encoded = raw_vectors(folder), None
    if raw is not None:
        encoded = EncoderIdentity.model_validate(facts["event_encoder"]), raw
    return fit_events(
        read_events(folder, rows).read(np.arange(len(rows))),
        rows["patient_id"].to_numpy(object),
        read_texts(folder),
        EventsConfig.model_validate(facts["events"]),
        encoded,
    )
