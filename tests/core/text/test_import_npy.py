"""Embeddings of older scripts: taken when declared and sound, counted otherwise."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from components.core.errors import InputError
from components.core.text import import_npy as module
from components.core.text.cache import EmbeddingCache
from components.core.text.import_npy import import_npy_folder
from tests.core.text.writer import IDENTITY, WIDTH, vectors


def path_of(folder: Path, text: str) -> Path:
    return folder / f"{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}.npy"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "npy"
    made.mkdir()
    return made


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    return EmbeddingCache(tmp_path / "cache", IDENTITY)


@pytest.mark.parametrize("chunk", [1, 8192])
@pytest.mark.parametrize("dtype", ["f2", "<f4", ">f4", "f8"])
def test_sound_vectors_are_taken(
    folder: Path, cache: EmbeddingCache, dtype: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHUNK", chunk)
    texts = ["a", "Übelkeit", "c"]
    np.save(path_of(folder, "a"), vectors(["a"])[0].astype(dtype))
    np.save(path_of(folder, "Übelkeit"), vectors(["Übelkeit"]).astype(dtype) / 8)
    report = import_npy_folder(folder, [*texts, "a"], identity=IDENTITY, cache=cache)
    assert (report.found, report.missing, report.refused) == (2, 1, {})
    found, values = cache.lookup(texts)
    assert found.tolist() == [True, True, False]
    np.testing.assert_allclose(values[:2] * [[1], [8]], vectors(texts[:2]), rtol=1e-3)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.zeros(7, np.float32), r"shape (7,), not (4,) or (1, 4)"),
        (np.zeros((2, WIDTH), np.float32), r"shape (2, 4), not (4,) or (1, 4)"),
        (np.float32(1), r"shape (), not (4,) or (1, 4)"),
        (np.array([1, 2, np.nan, 4], np.float32), "not finite"),
        (np.array([1, 2, 1e300, 4]), "not finite"),
        (np.arange(WIDTH), "not an array of floating-point numbers"),
        (np.array([{}, 1, 2, 3], object), "not a whole .npy array of numbers"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_others_are_refused_and_counted(
    folder: Path, cache: EmbeddingCache, values: np.ndarray, reason: str
) -> None:
    for text in ("a", "b"):
        np.save(path_of(folder, text), values)
    report = import_npy_folder(folder, ["a", "b"], identity=IDENTITY, cache=cache)
    assert (report.found, report.missing, report.refused) == (0, 0, {reason: 2})
    assert not cache.lookup(["a", "b"])[0].any()


@pytest.mark.parametrize("size", [0, 5, 100, 130])
def test_a_file_cut_short_is_refused(folder: Path, cache: EmbeddingCache, size: int) -> None:
    file = path_of(folder, "a")
    np.save(file, vectors(["a"])[0])
    file.write_bytes(file.read_bytes()[:size])
    report = import_npy_folder(folder, ["a"], identity=IDENTITY, cache=cache)
    assert report.refused == {"not a whole .npy array of numbers": 1}


def test_an_archive_is_refused(folder: Path, cache: EmbeddingCache) -> None:
    with path_of(folder, "a").open("wb") as stream:
        np.savez(stream, x=vectors(["a"]))
    report = import_npy_folder(folder, ["a"], identity=IDENTITY, cache=cache)
    assert report.refused == {"not an array of floating-point numbers": 1}


def test_folder_and_identity_are_checked_first(folder: Path, cache: EmbeddingCache) -> None:
    with pytest.raises(InputError, match=r"no' is no folder; give the one with the <md5>.npy"):
        import_npy_folder(folder / "no", [], identity=IDENTITY, cache=cache)
    other = IDENTITY.model_copy(update={"width": 768})
    with pytest.raises(
        InputError, match=r"declared as of 'm', width 768, but the cache is of 'm', w"
    ):
        import_npy_folder(folder, [], identity=other, cache=cache)
