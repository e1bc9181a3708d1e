"""Ragged shards of a prepared cohort: what goes in comes out, row by row and in any order."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from components.core.data.event_shards import (
    EventReader,
    FlatEvents,
    read_ingested,
    shard_file,
    spans,
    write_events,
)
from components.core.errors import InputError


def _flat(lengths: list[int], start: int = 0) -> FlatEvents:
    total = sum(lengths)
    values = np.arange(start, start + total)
    return FlatEvents(
        seconds=values.astype(np.int32), known_seconds=(values - 5).astype(np.int32),
        kind=(values % 5).astype(np.int8), text=(values % 7).astype(np.int32),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    )  # fmt: skip


def _written(folder: Path, shards: dict[int, FlatEvents]) -> None:
    for number, flat in shards.items():
        shard_file(folder, number).parent.mkdir(parents=True, exist_ok=True)
        write_events(shard_file(folder, number), flat)


def test_records_come_back_from_several_shards_in_the_order_asked_for(tmp_path: Path) -> None:
    _written(tmp_path, {0: _flat([2, 0, 3]), 4: _flat([1, 4], start=100)})
    reader = EventReader(tmp_path, np.array([4, 0, -1, 0, 0]), np.array([1, 2, 0, 1, 0]))
    assert reader.lengths.tolist() == [4, 3, 0, 0, 2]
    found = reader.read(np.array([4, 0, 2, 1]))
    assert found.lengths.tolist() == [2, 4, 0, 3]
    expected = [0, 1, 101, 102, 103, 104, 2, 3, 4]
    assert found.seconds.tolist() == expected
    assert found.known_seconds.tolist() == [value - 5 for value in expected]
    assert found.kind.tolist() == [value % 5 for value in expected]
    assert found.text.tolist() == [value % 7 for value in expected]


def test_events_that_are_left_out_leave_their_records(tmp_path: Path) -> None:
    flat = _flat([2, 1, 3])
    kept = flat.chosen(np.array([True, False, False, False, True, True]))
    assert kept.lengths.tolist() == [1, 0, 2]
    assert kept.seconds.tolist() == [0, 4, 5]
    _written(tmp_path, {0: flat.chosen(np.zeros(6, np.bool_))})
    reader = EventReader(tmp_path, np.zeros(3, np.int64), np.arange(3))
    assert len(reader.read(np.arange(3)).seconds) == 0


def test_spans_are_runs_of_places() -> None:
    found = spans(np.array([7, 3, 0]), np.array([1, 0, 2]))
    assert found.tolist() == [7, 0, 1]
    assert spans(np.zeros(0, np.int64), np.zeros(0, np.int64)).tolist() == []


def test_records_are_taken_in_the_order_asked_for() -> None:
    own = _flat([2, 0, 3])
    found = own.of_records(np.array([2, 1, 0]))
    assert found.lengths.tolist() == [3, 0, 2]
    assert found.seconds.tolist() == [2, 3, 4, 0, 1]
    assert found.known_seconds.tolist() == [-3, -2, -1, -5, -4]
    assert own.of_records(np.zeros(0, np.int64)).offsets.tolist() == [0]


def test_a_damaged_shard_says_what_to_do(tmp_path: Path) -> None:
    file = shard_file(tmp_path, 0)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no HDF5")
    with pytest.raises(InputError, match=r"shard 'events/00000.h5' cannot be read; run preprocess"):
        EventReader(tmp_path, np.array([0]), np.array([0]))
    with pytest.raises(InputError, match=r"shard 'events/00000.h5' cannot be read; ingest again"):
        read_ingested(file)
    with h5py.File(file, "w") as held:
        held["seconds"] = np.zeros(3)
    with pytest.raises(InputError, match="cannot be read; ingest again"):
        read_ingested(file)
