"""Embeddings that older scripts kept, one `<md5 of the text>.npy` each, into the cache."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.core.errors import InputError
from components.core.text.cache import EmbeddingCache
from components.core.text.identity import EncoderIdentity

Floats = npt.NDArray[np.float32]

# Texts of a file in the cache: enough that files are few, little enough for any memory.
_CHUNK = 8192


@dataclass(frozen=True)
class ImportReport:
    """What became of the distinct texts.

    Attributes:
        found: vectors taken.
        missing: texts without a file.
        refused: reason → files that were not taken.
    """

    found: int
    missing: int
    refused: dict[str, int]


def import_npy_folder(
    folder: Path, texts: Iterable[str], *, identity: EncoderIdentity, cache: EmbeddingCache
) -> ImportReport:
    """Take the vectors of `texts` out of a folder of `<md5 of the text's UTF-8>.npy`.

    The files do not say what made them: `identity` is the caller's word for model, revision,
    pooling, window length, overlap and width, and the vectors serve only an encoder of exactly
    that identity. Scripts that cut long texts off instead of reading them in windows gave these
    other vectors: leave such texts out of `texts`.

    Args:
        folder: of the files.
        texts: as they were embedded, to the character.
        identity: of the encoder that made the files.
        cache: opened for that identity.

    Raises:
        InputError: there is no such folder, or the cache is another encoder's.
    """
    if not folder.is_dir():
        raise InputError(f"'{folder}' is no folder; give the one with the <md5>.npy files")
    if identity != cache.identity:
        raise InputError(
            f"the embeddings are declared as of '{identity.model}', width {identity.width}, but "
            f"the cache is of '{cache.identity.model}', width {cache.identity.width}, or differs "
            "in revision, pooling or windows; open it with the declared identity"
        )
    found, missing, refused = 0, 0, Counter[str]()
    held: dict[str, Floats] = {}
    for text in dict.fromkeys(texts):
        outcome = _read(folder / f"{_md5(text)}.npy", identity.width)
        if outcome is None:
            missing += 1
        elif isinstance(outcome, str):
            refused[outcome] += 1
        else:
            held[text] = outcome
            found += 1
        if len(held) == _CHUNK:
            _flush(held, cache)
    _flush(held, cache)
    return ImportReport(found, missing, dict(refused))


def _md5(text: str) -> str:
    data = text.encode("utf-8", "surrogatepass")
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _flush(held: dict[str, Floats], cache: EmbeddingCache) -> None:
    if held:
        cache.add(list(held), np.stack(list(held.values())))
        held.clear()


def _read(path: Path, width: int) -> Floats | str | None:
    """Return the vector `[width]`, why it is refused, or None where there is no file."""
    try:
        # Mapped, so that a header which claims more than the file holds takes no memory.
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, SyntaxError):
        return "not a whole .npy array of numbers"
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f":
        return "not an array of floating-point numbers"
    if values.shape not in {(width,), (1, width)}:
        return f"shape {values.shape}, not ({width},) or (1, {width})"
    vector = np.array(values, np.float32).ravel()
    return vector if np.isfinite(vector).all() else "not finite"
