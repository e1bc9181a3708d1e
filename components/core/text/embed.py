"""Texts to vectors: each distinct one once, and never again where it is cached.

Shapes: `n` texts, `d` distinct ones, `H` dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.core.errors import CardioError, InputError
from components.core.progress import progress
from components.core.text.cache import EmbeddingCache
from components.core.text.identity import EncoderIdentity

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

# Characters of a chunk, at about four a token half a minute of a base-sized model on a CPU: what a
# kill loses at most.
_CHUNK_CHARACTERS = 262_144
# Characters, about, of the texts that are compared at once, and of how many their mean is taken.
_PIECE_CHARACTERS, _SAMPLE = 2**28, 1000


class TextEncoder(Protocol):
    """Whatever turns texts into vectors and says what determines them."""

    @property
    def identity(self) -> EncoderIdentity:
        """What determines a vector besides the text."""
        ...

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return `[n, H]` float32."""
        ...


@dataclass(frozen=True, eq=False)
class Embedded:
    """Texts as rows of a table of distinct vectors, which is small where texts repeat.

    Attributes:
        vectors: `[d + 1, H]`; the last row is zeros, for None and blank texts.
        row: `[n]` of each text.
    """

    vectors: Floats
    row: Ints

    def expand(self) -> Floats:
        """Return `[n, H]`."""
        return self.vectors[self.row]


def embed(
    texts: Sequence[str | None], encoder: TextEncoder, cache: EmbeddingCache | None
) -> Floats:
    """Return `[n, H]` float32; rows of None and blank texts are zeros.

    Raises:
        As `embed_distinct`.
    """
    return embed_distinct(texts, encoder, cache).expand()


def embed_distinct(
    texts: Sequence[str | None], encoder: TextEncoder, cache: EmbeddingCache | None
) -> Embedded:
    """Return the vectors of the distinct texts and which of them each text has.

    What is not cached is encoded in chunks, longest texts first, and each chunk is written as it
    is finished: a kill loses one chunk at most.

    Args:
        texts: None and blank ones have no vector.
        encoder: of the texts.
        cache: of that encoder; None keeps nothing.

    Raises:
        InputError: the cache is another encoder's, or one of its files is damaged.
        StorageError: the cache cannot be written.
        CardioError: the encoder gave vectors of a wrong shape or not finite.
    """
    width = encoder.identity.width
    if cache is not None:
        _check_same(encoder.identity, cache.identity)
    distinct, row = _distinct(texts)
    vectors = np.zeros((len(distinct) + 1, width), np.float32)
    missing = np.arange(len(distinct))
    if cache is not None and distinct:
        found, vectors[:-1] = cache.lookup(distinct)
        missing = np.flatnonzero(~found)
    if len(missing):
        _encode(distinct, missing, encoder, cache, vectors)
    return Embedded(vectors, row)


def _check_same(own: EncoderIdentity, cached: EncoderIdentity) -> None:
    if own.width != cached.width:
        raise InputError(
            f"the encoder's vectors have {own.width} dimensions, the embedding cache's "
            f"{cached.width}; open the cache with the encoder's own identity"
        )
    for name, value in own.model_dump().items():
        other = getattr(cached, name)
        if other != value:
            raise InputError(
                f"the embedding cache was opened for {name} '{other}', the encoder has '{value}'; "
                "open the cache with the encoder's own identity"
            )


def _distinct(texts: Sequence[str | None]) -> tuple[list[str], Ints]:
    """Return the distinct texts `[d]` and the number of each text's, -1 where it is blank."""
    numbers: dict[str, int] = {}
    row = np.empty(len(texts), np.int64)
    size = _piece(texts)
    for start in range(0, len(texts), size):
        piece = texts[start : start + size]
        codes = _codes(piece)
        known = np.flatnonzero(codes >= 0)
        first = np.zeros(codes.max(initial=-1) + 1, np.int64)
        first[codes[known[::-1]]] = known[::-1]  # of equal codes the first text is written last
        # One more, for the code -1.
        own = np.full(len(first) + 1, -1)
        for code, at in enumerate(first.tolist()):
            text = piece[at]
            if text and not text.isspace():
                own[code] = numbers.setdefault(text, len(numbers))
        row[start : start + size] = own[codes]
    return list(numbers), row


def _piece(texts: Sequence[str | None]) -> int:
    """Return how many of these texts are compared at once."""
    some = texts[:: max(1, len(texts) // _SAMPLE)]
    characters = sum(len(text or "") for text in some)
    return max(1, _PIECE_CHARACTERS * len(some) // max(characters, 1))


def _codes(texts: Sequence[str | None]) -> Ints:
    """Return `[n]` a number for each distinct text, -1 for None; Arrow is thrice as fast as Python.

    Its copy of the texts is why they come in pieces.
    """
    try:
        found = pa.array(texts, pa.large_string()).dictionary_encode()
    except UnicodeEncodeError:  # a lone surrogate, which Arrow cannot hold
        numbers: dict[str | None, int] = {None: -1}
        each = (numbers.setdefault(text, len(numbers) - 1) for text in texts)
        return np.fromiter(each, np.int64, len(texts))
    return found.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)


def _encode(
    distinct: list[str],
    missing: Ints,
    encoder: TextEncoder,
    cache: EmbeddingCache | None,
    vectors: Floats,
) -> None:
    """Fill the missing rows of `vectors`."""
    with progress("embedding texts", len(missing), "texts") as advance:
        for chunk in _chunks(np.array([len(distinct[i]) for i in missing])):
            rows = missing[chunk]
            texts = [distinct[i] for i in rows]
            made = encoder.encode(texts)
            if made.shape != (len(rows), vectors.shape[1]) or not np.isfinite(made).all():
                raise CardioError(
                    f"the encoder '{encoder.identity.model}' gave {len(rows)} texts vectors of "
                    f"shape {made.shape}, finite: {bool(np.isfinite(made).all())}; its identity "
                    f"states a width of {vectors.shape[1]}, so check its weights"
                )
            vectors[rows] = made
            if cache is not None:
                cache.add(texts, made)
            advance(len(rows))


def _chunks(lengths: Ints) -> Iterator[Ints]:
    """Yield which texts make a chunk; longest first, so that a lack of memory shows at once."""
    order = np.argsort(-lengths, kind="stable")
    number = (np.cumsum(lengths[order]) - lengths[order]) // _CHUNK_CHARACTERS
    for chunk in range(int(number[-1]) + 1):
        own = order[number == chunk]
        if len(own):
            yield own
