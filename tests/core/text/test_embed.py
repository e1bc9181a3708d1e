"""Each distinct text is encoded once in a cache's life, and a kill loses one chunk at most."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from components.core.errors import CardioError, InputError
from components.core.text import embed as module
from components.core.text.cache import EmbeddingCache
from components.core.text.embed import embed, embed_distinct
from components.core.text.huggingface import HuggingFaceEncoder, load_encoder
from components.core.text.identity import EncoderIdentity
from tests.core.text.conftest import config_of
from tests.core.text.writer import IDENTITY, WIDTH, vectors


class Counting:
    """An encoder that remembers what it was given."""

    def __init__(self, identity: EncoderIdentity = IDENTITY, fails_at: int = 10**9) -> None:
        self.identity, self.fails_at = identity, fails_at
        self.given: list[list[str]] = []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        if len(self.given) == self.fails_at:
            raise KeyboardInterrupt
        self.given.append(list(texts))
        return vectors(list(texts))

    @property
    def seen(self) -> list[str]:
        return [text for chunk in self.given for text in chunk]


TEXTS = ["b", None, "a", "b", "", " \n", "ccc", "a"]


def test_distinct_texts_are_encoded_once_and_blank_ones_are_zeros() -> None:
    encoder = Counting()
    out = embed(TEXTS, encoder, None)
    assert (out.dtype, out.shape) == (np.float32, (8, WIDTH))
    assert sorted(encoder.seen) == ["a", "b", "ccc"]
    assert not out[[1, 4, 5]].any()
    np.testing.assert_array_equal(out[[0, 2, 3, 6, 7]], vectors(["b", "a", "b", "ccc", "a"]))


@pytest.mark.parametrize("texts", [[], [None], ["", None]])
def test_nothing_to_encode_is_no_work(texts: list[str | None], tmp_path: Path) -> None:
    encoder = Counting()
    assert embed(texts, encoder, EmbeddingCache(tmp_path, IDENTITY)).shape == (len(texts), WIDTH)
    assert encoder.given == []
    assert list(tmp_path.iterdir()) == []


def test_what_is_cached_is_not_encoded_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third = Counting(), Counting(), Counting()
    one = embed(TEXTS, first, EmbeddingCache(tmp_path, IDENTITY))
    assert "embedding texts: 3/3 texts" in capsys.readouterr().err
    two = embed(TEXTS, second, EmbeddingCache(tmp_path, IDENTITY))
    assert capsys.readouterr().err == ""
    assert second.given == []
    assert np.array_equal(one, two)
    embed([*TEXTS, "new"], third, EmbeddingCache(tmp_path, IDENTITY))
    assert third.seen == ["new"]


@pytest.mark.parametrize("characters", [1, 7, 2**28])
@pytest.mark.parametrize("odd", ["ccc", "\ud800", "a\0b"])
def test_any_text_is_told_from_any_other(
    characters: int, odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PIECE_CHARACTERS", characters)
    texts = [odd, None, "a", "", "b", odd, "a ", "A", None, "a", "\t"]
    encoder = Counting()
    out = embed(texts, encoder, None)
    assert sorted(encoder.seen) == sorted({text for text in texts if text and text.strip()})
    expected = [vectors([t])[0] if t and t.strip() else np.zeros(WIDTH) for t in texts]
    np.testing.assert_array_equal(out, expected)


def test_the_table_of_distinct_vectors_is_small() -> None:
    made = embed_distinct(["x", "y", None] * 1000, Counting(), None)
    assert made.vectors.shape == (3, WIDTH)
    assert made.row[:3].tolist() == [0, 1, -1]
    np.testing.assert_array_equal(made.expand()[:3], [*vectors(["x", "y"]), np.zeros(WIDTH)])


def test_a_stop_loses_one_chunk_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK_CHARACTERS", 20)
    texts = [f"{'n' * (i % 5)}ote {i}" for i in range(40)]
    stopped, later = Counting(fails_at=5), Counting()
    with pytest.raises(KeyboardInterrupt):
        embed(texts, stopped, EmbeddingCache(tmp_path, IDENTITY))
    lengths = [len(text) for text in stopped.seen]
    assert lengths == sorted(lengths, reverse=True)
    assert all(sum(len(t) for t in chunk[:-1]) <= 20 for chunk in stopped.given)
    out = embed(texts, later, EmbeddingCache(tmp_path, IDENTITY))
    assert sorted(stopped.seen + later.seen) == sorted(texts)
    np.testing.assert_array_equal(out, vectors(texts))


def test_a_text_longer_than_a_chunk_is_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK_CHARACTERS", 10)
    encoder = Counting()
    embed(["a" * 50, "b" * 25, "c"], encoder, None)
    assert [[t[0] for t in chunk] for chunk in encoder.given] == [["a"], ["b"], ["c"]]


def test_the_cache_must_be_the_encoders_own(tmp_path: Path) -> None:
    wide = EmbeddingCache(tmp_path, IDENTITY.model_copy(update={"width": 768}))
    with pytest.raises(InputError, match=r"vectors have 4 dimensions, the embedding cache's 768;"):
        embed(["a"], Counting(), wide)
    other = EmbeddingCache(tmp_path, IDENTITY.model_copy(update={"pooling": "cls"}))
    with pytest.raises(InputError, match=r"opened for pooling 'cls', the encoder has 'mean'; open"):
        embed(["a"], Counting(), other)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (np.zeros((1, 9), np.float32), r"shape \(1, 9\), finite: True; its identity states .* 4"),
        (np.full((1, 4), np.inf, np.float32), r"shape \(1, 4\), finite: False"),
    ],
)
def test_an_encoder_that_breaks_its_word_is_told(
    made: np.ndarray, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Counting()
    monkeypatch.setattr(encoder, "encode", lambda texts: made)
    with pytest.raises(CardioError, match=message):
        embed(["a"], encoder, None)


def test_a_longformer_is_asked_once(
    longformer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = load_encoder(config_of(longformer, pooling="cls"), "cpu")
    notes = ["w1 w2 w3", "w4 " * 50, None, "w1 w2 w3"]
    cache = EmbeddingCache(tmp_path, encoder.identity)
    first = embed(notes, encoder, cache)
    assert np.array_equal(first, embed(notes, encoder, None))
    assert first.any(axis=1).tolist() == [True, True, False, True]

    def fail(self: HuggingFaceEncoder, texts: Sequence[str]) -> None:
        raise AssertionError("the encoder was asked again")

    monkeypatch.setattr(HuggingFaceEncoder, "encode", fail)
    assert np.array_equal(first, embed(notes, encoder, EmbeddingCache(tmp_path, encoder.identity)))
