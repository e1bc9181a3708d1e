"""Embeddings in a stage of ingest: what went in comes out, and what does not fit is told."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from components.core.data import stored_embeddings
from components.core.data.growing import written
from components.core.data.stored_embeddings import (
    Described,
    EmbeddingReader,
    EmbeddingWriter,
    describe,
    embedding_hash,
    stored_embedding,
)
from components.core.errors import InputError


def _written(folder: Path, number: int, *records: np.ndarray, columns: tuple[str, ...] = ()) -> None:
    with written(folder / f"{number:05d}.h5", EmbeddingWriter) as writer:
        assert [writer.add(each, columns) for each in records] == list(range(len(records)))


def _values(rows: int, width: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, width)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_vectors_come_back_to_the_bit(tmp_path: Path, dtype: str) -> None:
    one, two = _values(1, 3, dtype), _values(4, 3, dtype, seed=1)
    two[0, 0] = np.nan
    _written(tmp_path / "emb_spatial", 2, one, two, columns=("a", "b", "c"))
    assert [p.name for p in (tmp_path / "emb_spatial").iterdir()] == ["00002.h5"]
    for row, expected in enumerate((one, two)):
        found = stored_embedding(tmp_path / "emb_spatial", 2, row)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, expected)
    with EmbeddingReader(tmp_path / "emb_spatial" / "00002.h5") as reader:
        assert len(reader) == 2
        assert reader.vector_bytes == 3 * np.dtype(dtype).itemsize
        np.testing.assert_array_equal(reader.vectors(0, 2), np.concatenate([one, two]))
    expected = Described(width=3, dtype=dtype, columns=("a", "b", "c"), most=4)
    assert describe(tmp_path / "emb_spatial", [2]) == expected


def test_what_is_written_piece_by_piece_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_embeddings, "_WRITTEN_AT_ONCE", 1)
    records = [_values(rows, 3, seed=rows) for rows in (2, 1, 4)]
    _written(tmp_path, 0, *records)
    for row, expected in enumerate(records):
        np.testing.assert_array_equal(stored_embedding(tmp_path, 0, row), expected)


def test_a_shard_without_a_vector_is_whole(tmp_path: Path) -> None:
    _written(tmp_path, 0)
    _written(tmp_path, 1, _values(1, 2))
    with EmbeddingReader(tmp_path / "00000.h5") as reader:
        assert len(reader) == 0
        assert reader.vector_bytes == 0
    assert describe(tmp_path, [0, 1]).width == 2


@pytest.mark.parametrize(
    ("other", "columns", "message"),
    [
        (_values(1, 4), ("a", "b", "c"), "width 4 in float32 stands among those of width 3"),
        (_values(1, 3, "float16"), ("a", "b", "c"), "width 3 in float16 stands among .* in float32"),
        (_values(1, 3), ("a", "c", "b"), "under other column names"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_left(
    tmp_path: Path, other: np.ndarray, columns: tuple[str, ...], message: str
) -> None:
    with (
        pytest.raises(InputError, match=message),
        written(tmp_path / "00000.h5", EmbeddingWriter) as writer,
    ):
        writer.add(_values(1, 3), ("a", "b", "c"))
        writer.add(other, columns)
    assert not list(tmp_path.iterdir())


def test_integers_are_no_embedding(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="dtype int64; sources give one of"),
        written(tmp_path / "00000.h5", EmbeddingWriter) as writer,
    ):
        writer.add(np.zeros((1, 3), np.int64))  # pyright: ignore[reportArgumentType]


def test_shards_that_differ_are_refused(tmp_path: Path) -> None:
    _written(tmp_path / "emb_clinical", 0, _values(1, 3))
    _written(tmp_path / "emb_clinical", 1, _values(1, 5))
    with pytest.raises(InputError, match=r"'emb_clinical' differ in width or columns \(widths 3, 5\)"):
        describe(tmp_path / "emb_clinical", [0, 1])


def test_shards_of_two_types_are_told_by_the_wider(tmp_path: Path) -> None:
    _written(tmp_path, 0, _values(1, 3, "float16"))
    _written(tmp_path, 1, _values(2, 3))
    assert describe(tmp_path, [0, 1]) == Described(width=3, dtype="float32", columns=(), most=2)


@pytest.mark.parametrize("content", [None, b"", b"no HDF5"])
def test_a_missing_or_damaged_shard_is_told(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "00000.h5").write_bytes(content)
    with pytest.raises(InputError, match="00000.h5' cannot be read; ingest again"):
        stored_embedding(tmp_path, 0, 0)


def test_a_shard_that_lost_its_values_is_told(tmp_path: Path) -> None:
    _written(tmp_path, 0, _values(1, 3))
    with h5py.File(tmp_path / "00000.h5", "r+") as file:
        del file["values"]
    with pytest.raises(InputError, match="00000.h5' cannot be read; ingest again"):
        stored_embedding(tmp_path, 0, 0)


def test_the_hash_is_of_values_type_and_shape() -> None:
    values = _values(2, 6)
    same = {embedding_hash(values), embedding_hash(np.asfortranarray(values))}
    assert len(same) == 1
    others = [values.reshape(6, 2), values.astype(np.float64), values + 1]
    assert len(same | {embedding_hash(each) for each in others}) == 4
