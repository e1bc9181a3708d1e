"""Event sequences come back as they went in, and their hash tells them apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from components.core.data.growing import written
from components.core.data.stored_events import (
    EVENT_KINDS,
    Events,
    EventWriter,
    events_hash,
    stored_events,
)
from components.core.errors import InputError


def _events(*texts: str, first: int = 60) -> Events:
    seconds = np.arange(first + len(texts), first, -1, dtype=np.int32)
    kind = (np.arange(len(texts)) % len(EVENT_KINDS)).astype(np.int8)
    return Events(
        seconds=seconds, known_seconds=seconds - 1, kind=kind, text=pa.array(texts, pa.string())
    )


def _write(path: Path, *sequences: Events) -> Path:
    with written(path, EventWriter) as writer:
        assert [writer.add(each) for each in sequences] == list(range(len(sequences)))
    return path


def test_sequences_come_back_row_by_row(tmp_path: Path) -> None:
    own = [_events("Lactate 2", "Lactate 2", "Größe µg"), _events(), _events("Lactate 2", "")]
    found = list(stored_events(_write(tmp_path / "events" / "00000.h5", *own)))
    assert [len(each) for each in found] == [3, 0, 2]
    for one, two in zip(own, found, strict=True):
        np.testing.assert_array_equal(one.seconds, two.seconds)
        np.testing.assert_array_equal(one.known_seconds, two.known_seconds)
        np.testing.assert_array_equal(one.kind, two.kind)
        assert two.text.to_pylist() == one.text.to_pylist()
        assert (two.seconds.dtype, two.kind.dtype) == (np.int32, np.int8)
        assert events_hash(one) == events_hash(two)


def test_a_shard_without_any_sequence_can_be_read(tmp_path: Path) -> None:
    assert list(stored_events(_write(tmp_path / "0.h5"))) == []


def test_the_hash_tells_sequences_apart() -> None:
    plain = _events("a", "bc")
    others = [
        _events("ab", "c"), _events("a", "bd"), _events("a", "bc", first=61),
        replace(plain, kind=plain.kind[::-1]), replace(plain, known_seconds=plain.seconds),
    ]  # fmt: skip
    assert events_hash(plain) == events_hash(_events("a", "bc"))
    assert len({events_hash(each) for each in (plain, *others)}) == 6


def test_what_is_shown_of_a_sequence_is_no_text() -> None:
    assert repr(_events("secret")) == f"Events(1, sha256={events_hash(_events('secret'))!r})"


def test_a_damaged_shard_says_to_ingest_again(tmp_path: Path) -> None:
    for name, content in (("broken.h5", b"no HDF5"), ("missing.h5", None)):
        if content:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"shard '.*/{name}' cannot be read; ingest again"):
            list(stored_events(tmp_path / name))
