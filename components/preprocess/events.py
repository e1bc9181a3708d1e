"""Event sequences of a cohort → ragged shards over one table of texts, read once by an encoder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from components.core.config.events import EventsConfig
from components.core.config.sections import PreprocessConfig
from components.core.data.comfort_care import by_phrase, comfort_care
from components.core.data.event_input import FILE
from components.core.data.event_shards import (
    TEXTS,
    FlatEvents,
    in_order,
    read_ingested,
    shard_file,
    write_events,
)
from components.core.errors import InputError
from components.core.files import write_atomic
from components.core.modalities import EVENTS, SPOKEN
from components.core.progress import progress
from components.core.schemas import (
    COMFORT_CARE_COUNT,
    EVENT_COUNT,
    ROW_PREFIX,
    SHARD_PREFIX,
    event_fields,
)
from components.core.store import Stage, Workspace
from components.preprocess.texts import encode_texts

_SHARD, _ROW = f"{SHARD_PREFIX}{EVENTS}", f"{ROW_PREFIX}{EVENTS}"
Ints = npt.NDArray[np.int64]


def event_columns(config: PreprocessConfig) -> list[str]:
    """Return the manifest's columns of event sequences; none where the task names no events."""
    own = [*(field.name for field in event_fields()), COMFORT_CARE_COUNT]
    return own if EVENTS in config.modalities else []


def prepare_events(
    work: Workspace, source: Stage, frame: pd.DataFrame, config: PreprocessConfig
) -> pd.DataFrame:
    """Return the records with the places of their sequences in this stage's own shards.

    A record whose events are all orders of comfort care goes on without any. The workspace's fact
    `events` says how the sequences are read, its counts how many events there are of how many
    distinct texts, and how many orders of comfort care were left out of how many records; its fact
    `comfort_care` says of how many records each phrase was.

    Args:
        work: receives shards, texts, a frozen encoder's vectors, facts and counts.
        source: the ingest stage.
        frame: records of the manifest.
        config: modalities and how events become steps.

    Raises:
        InputError: no record has a sequence, a shard is damaged, or the encoder cannot be read.
    """
    if EVENTS not in config.modalities:
        return frame
    if _SHARD not in frame or frame[_SHARD].isna().all():
        raise InputError(
            f"none of {len(frame)} records has {SPOKEN[EVENTS]}, which preprocess.modalities "
            "names; take a source of event sequences, or leave 'events' out"
        )
    texts = _all_texts(source, frame)
    frame = _copied(work, source, frame, texts, config.events)
    write_atomic(work.path(TEXTS), lambda p: pq.write_table(pa.table({"text": texts}), p))
    encoder = encode_texts(work, texts.to_pylist(), config.events.text, file=FILE)
    work.facts["events"] = config.events.model_dump(mode="json")
    if encoder is not None:
        work.facts["event_encoder"] = encoder.model_dump()
    work.counts["distinct_event_texts"] = len(texts)
    return frame


def _numbers(frame: pd.DataFrame) -> list[int]:
    return sorted({int(number) for number in frame[_SHARD].dropna()})


def _rows(frame: pd.DataFrame, number: int) -> Ints:
    """Return the rows of an ingest shard that are still records, in order."""
    return np.sort(frame.loc[frame[_SHARD] == number, _ROW].to_numpy(np.int64))


def _all_texts(source: Stage, frame: pd.DataFrame) -> pa.Array:
    """Return the distinct texts of the records, in order of appearance."""
    found: list[pa.Array] = []
    for number in _numbers(frame):
        events, texts = read_ingested(shard_file(source.folder, number))
        kept = np.unique(events.of_records(_rows(frame, number)).text)
        found.append(texts.take(pa.array(kept)))
    return pa.chunked_array(found, pa.string()).unique()


def _copied(
    work: Workspace, source: Stage, frame: pd.DataFrame, texts: pa.Array, config: EventsConfig
) -> pd.DataFrame:
    """Write this stage's shards and return the records with their places and event counts."""
    unwanted, said = comfort_care(texts), by_phrase(texts)
    # NaN where there is no sequence.
    places = frame[[_ROW, EVENT_COUNT]].assign(**{COMFORT_CARE_COUNT: np.nan}).astype("float64")
    index = pd.Index(texts.to_pylist())
    shard_file(work.folder, 0).parent.mkdir(parents=True, exist_ok=True)
    phrases, kept = Counter[str](), 0
    with progress("preprocess events", len(frame), "records") as advance:
        for number in _numbers(frame):
            rows = _rows(frame, number)
            events = _coded(shard_file(source.folder, number), rows, index)
            bad = unwanted[events.text]
            orders = _each(bad, events.offsets)
            held = {name: _each(own[events.text], events.offsets) for name, own in said.items()}
            phrases.update({name: int((n > 0).sum()) for name, n in held.items()})
            if config.comfort_care == "drop":
                events = events.chosen(~bad)
            own = frame[_SHARD] == number
            place = np.searchsorted(rows, frame.loc[own, _ROW].to_numpy(np.int64))
            places.loc[own] = np.stack([place, events.lengths[place], orders[place]], axis=1)
            write_atomic(shard_file(work.folder, number), _writing(events))
            kept += len(events.seconds)
            advance(len(rows))
    found = places[COMFORT_CARE_COUNT]
    work.counts |= {
        "clinical_events": kept, "comfort_care_events": int(found.sum()),
        "comfort_care_records": int((found > 0).sum()),
    }  # fmt: skip
    work.facts["comfort_care"] = {name: n for name, n in phrases.items() if n}
    return frame.assign(
        **{_SHARD: frame[_SHARD].astype("Int32")},
        **{name: places[name].astype("Int32") for name in (_ROW, EVENT_COUNT, COMFORT_CARE_COUNT)},
    )


def _each(flags: npt.NDArray[np.bool_], offsets: Ints) -> Ints:
    """Return how many of each record's events are flagged."""
    return np.diff(np.append(0, np.cumsum(flags))[offsets])


def _coded(path: Path, rows: Ints, index: pd.Index) -> FlatEvents:
    """Return the records' events of an ingest shard, their texts being rows of the cohort's."""
    held, texts = read_ingested(path)
    number = index.get_indexer(pd.Index(texts.to_pylist())).astype(np.int32)
    own = in_order(held.of_records(rows), texts)
    return replace(own, text=number[own.text])


def _writing(events: FlatEvents) -> Callable[[Path], None]:
    return lambda path: write_events(path, events)
