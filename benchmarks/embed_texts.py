"""Event texts, 5 % of them distinct, to vectors of a Transformer encoder, with a cache on disk."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from benchmarks.harness.row import Comparison, Outcome, Row
from benchmarks.harness.tiny_model import write_model

if TYPE_CHECKING:
    from components.core.text.huggingface import HuggingFaceEncoder

Floats = npt.NDArray[np.float32]

# Each distinct text comes twenty times.
TIMES = 20
# Texts that the peer is timed on at most: some of the distinct ones, each as often as it comes.
TIMED = 20_000
# Vectors that every side reports.
_REPORTED = 200
TEXTS, MODEL, OURS, PEER = "texts.json", "model", "cache", "npy"
_WORDS, _SHORTEST, _LONGEST = 2_000, 4, 16  # words in use, and of one event text


def _vocabulary() -> list[str]:
    rng = np.random.default_rng(1)
    letters = rng.integers(0, 26, (_WORDS, 7))
    return ["".join(chr(97 + c) for c in row) for row in letters]


def _prepare(folder: Path, size: int) -> None:
    """Write texts and model, and fill both caches for the sides that find them full."""
    rng = np.random.default_rng(0)
    words = _vocabulary()
    lengths = rng.integers(_SHORTEST, _LONGEST + 1, size // TIMES)
    distinct = [" ".join([*rng.choice(words, n), str(i)]) for i, n in enumerate(lengths)]
    order = rng.permutation(np.repeat(np.arange(len(distinct)), TIMES))
    (folder / TEXTS).write_text(json.dumps([distinct[i] for i in order]), encoding="utf-8")
    write_model(folder / MODEL, words, width=128, longest=128)
    _ours(folder, size, OURS)
    _peer(folder, size, PEER)


def _encoder(folder: Path) -> HuggingFaceEncoder:
    from components.core.config.text import TextConfig
    from components.core.text.huggingface import load_encoder

    config = TextConfig(encoder="huggingface", model=str(folder / MODEL), overlap=16)
    return load_encoder(config, "cpu")


def _texts(folder: Path) -> list[str]:
    """Return the texts, each an object of its own, as a table's reader makes them."""
    return json.loads((folder / TEXTS).read_text(encoding="utf-8"))


def _some(texts: list[str]) -> list[str]:
    """Return all texts that have one of the first few distinct ones."""
    first = set(list(dict.fromkeys(texts))[: TIMED // TIMES])
    return [text for text in texts if text in first]


def _reported(texts: list[str], vectors: Floats) -> npt.NDArray[np.float64]:
    first = _some(texts)[:_REPORTED]
    place = {text: i for i, text in enumerate(texts)}
    return vectors[[place[text] for text in first]].astype(np.float64)


def _ours(folder: Path, size: int, cache: str) -> Outcome:
    from components.core.text.cache import EmbeddingCache
    from components.core.text.embed import embed

    del size
    texts, encoder = _texts(folder), _encoder(folder)
    start = time.perf_counter()
    made = embed(texts, encoder, EmbeddingCache(folder / cache, encoder.identity))
    seconds = time.perf_counter() - start
    return Outcome(seconds=seconds, units=len(texts), result=_reported(texts, made))


def _peer(folder: Path, size: int, cache: str) -> Outcome:
    import torch
    from transformers import AutoModel, AutoTokenizer

    del size
    texts = _some(_texts(folder))
    tokenizer = AutoTokenizer.from_pretrained(folder / MODEL)
    model = AutoModel.from_pretrained(folder / MODEL).eval()
    (folder / cache).mkdir(exist_ok=True)

    def embedding(text: str) -> Floats:
        name = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        file = folder / cache / f"{name}.npy"
        if file.exists():
            return np.load(file)
        with torch.no_grad():
            hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state
        vector = hidden[0, 1:-1].mean(0).numpy()
        np.save(file, vector)
        return vector

    start = time.perf_counter()
    made = np.stack([embedding(text) for text in texts])
    seconds = time.perf_counter() - start
    return Outcome(seconds=seconds, units=len(texts), result=made[:_REPORTED].astype(np.float64))


def _fresh(name: str) -> str:
    """Return the name of a cache that nobody has used."""
    return f"{name}-{time.monotonic_ns()}"


ROW = Row(
    name="embed_texts",
    unit="texts",
    sizes=(62_500, 250_000, 1_000_000),
    quick=(400, 800, 1600),
    prepare=_prepare,
    work=lambda size: size,
    sides={
        "ours": lambda folder, size: _ours(folder, size, _fresh(OURS)),
        "one by one": lambda folder, size: _peer(folder, size, _fresh(PEER)),
        "ours, cached": lambda folder, size: _ours(folder, size, OURS),
        "one by one, cached": lambda folder, size: _peer(folder, size, PEER),
    },
    comparisons=(
        Comparison(
            work="embeddings of {size} event texts, 5 % of them distinct, empty cache",
            ours="ours", other="one by one", ratio=50, tolerance=1e-5,
            peer="one text at a time through the same model, one `.npy` per hash",
        ),
        Comparison(
            work="the same, everything cached",
            ours="ours, cached", other="one by one, cached", ratio=200, tolerance=1e-5,
            peer="`numpy.load` of one `.npy` per text",
        ),
    ),
    notes=(
        "The model is a BERT of two layers, 128 dimensions wide, with random weights, in single "
        f"precision; a text has {_SHORTEST} to {_LONGEST} words and a number. Its loading is not "
        "timed.",
        f"The peer is timed on {TIMED:,} texts, {TIMED // TIMES:,} distinct ones with all their "
        "occurrences, and extrapolated; its files lie in the page cache, as ours do.",
    ),
)  # fmt: skip
