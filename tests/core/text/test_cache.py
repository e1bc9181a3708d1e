"""The embedding cache: content-addressed, whole files only, any number of processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from components.core.errors import InputError, StorageError
from components.core.text import cache as module
from components.core.text import shards
from components.core.text.cache import EmbeddingCache
from components.core.text.identity import EncoderIdentity
from components.core.text.shards import keys_of, open_shard, write_shard
from tests.core.text.writer import IDENTITY, WIDTH, vectors

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    return EmbeddingCache(tmp_path, IDENTITY)


def filled(cache: EmbeddingCache, texts: list[str]) -> EmbeddingCache:
    cache.add(texts, vectors(texts))
    return cache


def files(cache: EmbeddingCache) -> list[Path]:
    return sorted(cache.folder.glob("*.parquet"))


def test_what_was_added_is_found_by_any_process(cache: EmbeddingCache, tmp_path: Path) -> None:
    assert not cache.lookup(["a"])[0].any()
    filled(cache, ["a", "b", "a"])
    found, values = EmbeddingCache(tmp_path, IDENTITY).lookup(["b", "c", "a", "b"])
    assert found.tolist() == [True, False, True, True]
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values[[0, 2, 3]], vectors(["b", "a", "b"]))
    assert not values[1].any()


def test_each_text_lies_there_once(cache: EmbeddingCache) -> None:
    filled(cache, ["a", "b", "a"])
    filled(cache, ["b", "c"])
    filled(cache, ["a", "c"])
    assert sum(pq.read_metadata(file).num_rows for file in files(cache)) == 3
    assert len(files(cache)) == 2


def test_files_are_columns_of_keys_and_vectors(cache: EmbeddingCache) -> None:
    filled(cache, ["x", "y"])
    table = pq.read_table(files(cache)[0])
    assert str(table.schema.field("key").type) == "fixed_size_binary[32]"
    assert str(table.schema.field("embedding").type) == "fixed_size_list<element: float>[4]"
    told = EncoderIdentity.model_validate_json((cache.folder / "identity.json").read_text())
    assert told == IDENTITY


@pytest.mark.parametrize("name", ["model", "revision", "pooling", "max_tokens", "overlap", "width"])
def test_another_encoder_finds_nothing(cache: EmbeddingCache, tmp_path: Path, name: str) -> None:
    filled(cache, ["a"])
    new = {"pooling": "cls"}.get(name, 32 if isinstance(getattr(IDENTITY, name), int) else "z")
    other = IDENTITY.model_copy(update={name: new})
    assert not EmbeddingCache(tmp_path, other).lookup(["a"])[0].any()
    assert (keys_of(["a"], identity=other.digest) != keys_of(["a"], identity=IDENTITY.digest)).any()


def test_any_text_has_a_key() -> None:
    texts = ["", "a", "a ", "A", "ä", "a\u0308", "\ud800", "a" * 10**6]
    assert len(np.unique(keys_of(texts, identity="0"), axis=0)) == len(texts)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((1, 3), np.float32), r"shape \(1, 3\) do not fit an embedding cache of width 4"),
        (np.zeros(4, np.float32), r"shape \(4,\) do not fit"),
        (np.zeros((2, 4), np.float32), "1 texts came with 2 vectors; give one for each"),
        (np.full((1, 4), np.nan, np.float32), "not finite, so it is not cached"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(
    cache: EmbeddingCache, values: np.ndarray, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        cache.add(["a"], values)
    assert not cache.folder.exists()


def test_a_file_of_another_width_names_both(cache: EmbeddingCache) -> None:
    write_shard(cache.folder, keys_of(["a"], identity="0"), np.ones((1, 7), np.float32))
    with pytest.raises(InputError, match=r"vectors of 7 dimensions, the encoder's have 4; delete"):
        cache.lookup(["a"])


def test_a_turned_byte_is_told_or_does_nothing(cache: EmbeddingCache) -> None:
    texts = [f"t{i}" for i in range(20)]
    filled(cache, texts)
    (file,) = files(cache)
    whole, told = file.read_bytes(), list[str]()
    for place in range(0, len(whole), 3):
        data = bytearray(whole)
        data[place] ^= 0x81
        file.write_bytes(data)
        try:
            found, values = EmbeddingCache(cache.folder.parent, IDENTITY).lookup(texts)
        except InputError as error:
            told.append(str(error))
        else:
            assert found.all()
            np.testing.assert_array_equal(values, vectors(texts))
    assert len(told) > 0.5 * len(whole) / 3
    assert all(each.startswith(f"'{file}' in the embedding cache ") for each in told)


@pytest.mark.parametrize("size", [0, 10, 2000])
def test_a_file_cut_short_is_told_and_may_be_deleted(cache: EmbeddingCache, size: int) -> None:
    filled(cache, [f"t{i}" for i in range(500)])
    (file,) = files(cache)
    os.truncate(file, size)
    fresh = EmbeddingCache(cache.folder.parent, IDENTITY)
    with pytest.raises(InputError, match="is damaged"):
        fresh.lookup(["t1"])
    file.unlink()
    assert not fresh.lookup(["t1"])[0].any()


def test_keys_out_of_order_are_damage(
    cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(cache, ["a", "b", "c", "d"])
    (file,) = files(cache)
    table = pq.read_table(file)
    pq.write_table(table.take([3, 2, 1, 0]), file)
    with pytest.raises(InputError, match=r"is damaged \(ArrowInvalid\)"):
        open_shard(file, width=WIDTH)
    pq.write_table(table.slice(0, 0), file)
    with pytest.raises(InputError, match=r"is damaged \(ArrowInvalid\)"):
        open_shard(file, width=WIDTH)


def test_keys_that_begin_alike_are_told_apart(tmp_path: Path) -> None:
    keys = keys_of(["a", "b"], identity="0").copy()
    other = keys.copy()
    other[:, -1] ^= 1
    found = open_shard(write_shard(tmp_path, keys, np.ones((2, 4), np.float32)), width=4)
    assert (found.find(keys) >= 0).all()
    assert (found.find(other) < 0).all()


def test_many_small_files_are_merged(
    cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MANY", 8)
    reader = EmbeddingCache(cache.folder.parent, IDENTITY)
    texts = [f"t{i}" for i in range(30)]
    for text in texts:
        filled(cache, [text])
        assert reader.lookup([texts[0]])[0].all()
    assert len(files(cache)) < 9
    found, values = reader.lookup(texts)
    assert found.all()
    np.testing.assert_array_equal(values, vectors(texts))
    assert not (cache.folder / ".lock").exists()


def test_merged_files_stay_within_their_size(
    cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SHARD_BYTES", 10 * (32 + 4 * WIDTH))  # ten rows
    for i in range(8):
        filled(cache, [f"t{i}-{j}" for j in range(4)])
    filled(cache, [f"large {j}" for j in range(9)])
    cache.compact()
    assert sorted(pq.read_metadata(file).num_rows for file in files(cache)) == [8, 8, 8, 8, 9]
    before = files(cache)
    cache.compact()
    assert files(cache) == before
    assert cache.lookup([f"t{i}-3" for i in range(8)])[0].all()


def test_a_text_that_two_processes_wrote_is_merged_to_one(cache: EmbeddingCache) -> None:
    keys = keys_of(["a"], identity=IDENTITY.digest)
    for _ in range(2):
        write_shard(cache.folder, keys, vectors(["a"]))
    assert cache.lookup(["a"])[0].all()
    cache.compact()
    assert [pq.read_metadata(file).num_rows for file in files(cache)] == [1]


def test_merging_an_absent_cache_does_nothing(cache: EmbeddingCache) -> None:
    cache.compact()
    assert not cache.folder.exists()


def test_leftovers_go_when_they_are_old(cache: EmbeddingCache) -> None:
    filled(cache, ["a"])
    old, young = cache.folder / ".x.1.part", cache.folder / ".y.2.part"
    old.touch()
    young.touch()
    os.utime(old, (0, 0))
    cache.compact()
    assert (old.exists(), young.exists()) == (False, True)


@pytest.mark.parametrize("name", ["open_shard", "vectors"])
def test_a_file_merged_away_meanwhile_is_looked_for_anew(
    cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    filled(cache, ["a"])
    filled(cache, ["b"])
    reader = EmbeddingCache(cache.folder.parent, IDENTITY)
    place = module if name == "open_shard" else shards.Shard
    real = getattr(place, name)

    def late(*arguments: object, **options: object) -> object:
        monkeypatch.setattr(place, name, real)
        cache.compact()
        return real(*arguments, **options)

    monkeypatch.setattr(place, name, late)
    found, values = reader.lookup(["a", "b"])
    assert found.all()
    np.testing.assert_array_equal(values, vectors(["a", "b"]))


def test_a_link_that_leads_nowhere_is_no_file_of_the_cache(cache: EmbeddingCache) -> None:
    cache.add(["a"], np.ones((1, cache.identity.width), np.float32))
    (cache.folder / "lost.parquet").symlink_to(cache.folder / "gone")
    found, _ = cache.lookup(["a", "b"])
    assert found.tolist() == [True, False]


def test_a_folder_that_is_not_writable_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = EmbeddingCache(tmp_path / "file", IDENTITY)
    with pytest.raises(StorageError, match=r"the embedding cache '.*' is not writable"):
        cache.add(["a"], vectors(["a"]))


def start(folder: Path, first: int, last: int, many: int) -> subprocess.Popen[str]:
    numbers = [str(n) for n in (first, last, many)]
    command = [sys.executable, "-m", "tests.core.text.writer", str(folder), *numbers]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_several_processes_write_and_merge_at_once(cache: EmbeddingCache, tmp_path: Path) -> None:
    # The ranges overlap, and everybody merges all the time.
    writers = [start(tmp_path, first, first + 30, 4) for first in (0, 15, 30)]
    texts = [f"note {n}" for n in range(60)]
    seen = 0
    while any(writer.poll() is None for writer in writers):
        found, values = cache.lookup(texts)
        np.testing.assert_array_equal(values[found], vectors(texts)[found])
        assert found.sum() >= seen  # nothing that was there is ever away
        seen = int(found.sum())
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    found, values = cache.lookup(texts)
    assert found.all()
    np.testing.assert_array_equal(values, vectors(texts))


def test_kill_9_leaves_a_readable_cache(cache: EmbeddingCache, tmp_path: Path) -> None:
    told = 0
    for _ in range(3):
        writer = start(tmp_path, told, 100_000, 3)
        assert writer.stdout is not None
        for _ in range(7):
            told = int(writer.stdout.readline()) + 1
        writer.send_signal(signal.SIGKILL)
        rest = writer.communicate()[0].split()
        told = max([told, *(int(n) + 1 for n in rest)])
        assert writer.returncode == -signal.SIGKILL
        fresh = EmbeddingCache(tmp_path, IDENTITY)
        texts = [f"note {n}" for n in range(told)]
        found, values = fresh.lookup(texts)
        assert found.all()
        np.testing.assert_array_equal(values, vectors(texts))
    cache.compact()
    assert cache.lookup(["note 0"])[0].all()
