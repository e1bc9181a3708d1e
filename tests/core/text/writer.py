"""Write to an embedding cache from a process of its own: `python -m tests.core.text.writer`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from components.core.text import cache as module
from components.core.text.cache import EmbeddingCache
from components.core.text.identity import EncoderIdentity

WIDTH = 4
IDENTITY = EncoderIdentity(
    model="m", revision="r", pooling="mean", max_tokens=64, overlap=16, width=WIDTH
)


def vectors(texts: list[str]) -> np.ndarray:
    """Return what a text's vector is in these tests."""
    return np.array([[hash_of(text), len(text), 1, -1] for text in texts], np.float32)


def hash_of(text: str) -> float:
    return float(sum(ord(c) * (i + 1) for i, c in enumerate(text)))


def main(folder: str, first: int, last: int, many: int) -> None:
    """Add texts one by one, merging whenever there are `many` files; tell each that is written."""
    module._MANY = many
    cache = EmbeddingCache(Path(folder), IDENTITY)
    for number in range(first, last):
        text = f"note {number}"
        cache.add([text], vectors([text]))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
