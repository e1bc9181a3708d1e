"""Notes → vectors of a frozen encoder, once for the whole cohort, through the cache."""

from __future__ import annotations

import numpy as np
import pandas as pd

from components.core.config.sections import PreprocessConfig
from components.core.config.text import TextConfig
from components.core.data.texts import FILE, TextStats, encoded_rows, fit_text, notes_of
from components.core.files import write_atomic
from components.core.store import Workspace, data_root
from components.core.text.identity import EncoderIdentity

# Beside the stages: what one preparation has embedded, the next one finds.
CACHE = "embedding_cache"


def embed_notes(work: Workspace, frame: pd.DataFrame, config: TextConfig) -> None:
    """Write the vectors of every record's note, `[records, width]`, NaN where there is none.

    Nothing is written for TF-IDF, which each fold fits on its own training notes.

    Args:
        work: receives the file and the encoder's identity.
        frame: the finished manifest, row by row.
        config: which encoder.

    Raises:
        InputError: the encoder's folder is missing or cannot be read.
    """
    work.facts["text"] = config.model_dump(mode="json")
    encoder = encode_texts(work, notes_of(frame), config, file=FILE)
    if encoder is not None:
        work.facts["text_encoder"] = encoder.model_dump()


def encode_texts(
    work: Workspace, texts: list[str | None], config: TextConfig, *, file: str
) -> EncoderIdentity | None:
    """Write a frozen encoder's vectors `[n, width]` of texts, NaN of None, and return who it is.

    Nothing is written for TF-IDF, and None is returned.

    Args:
        work: receives the file.
        texts: each distinct one is read once, and not again where the cache has it.
        config: which encoder.
        file: where the vectors go, relative to the stage.

    Raises:
        InputError: the encoder's folder is missing or cannot be read.
    """
    if config.encoder == "tfidf":
        return None
    from components.core.text.cache import EmbeddingCache
    from components.core.text.embed import embed
    from components.core.text.huggingface import load_encoder  # imports transformers

    encoder = load_encoder(config)
    cache = EmbeddingCache(data_root() / CACHE, encoder.identity)
    vectors = embed(texts, encoder, cache)
    vectors[[text is None for text in texts]] = np.nan
    write_atomic(work.path(*file.split("/")), lambda p: _save(p, vectors))
    return encoder.identity


def text_stats(work: Workspace, rows: pd.DataFrame, config: PreprocessConfig) -> TextStats:
    """Return what the notes of a training part teach.

    Args:
        work: holds the vectors of a frozen encoder, where there is one.
        rows: of the training part.
        config: which encoder.
    """
    vectors = encoded_rows(work.folder, rows)
    encoded = None
    if vectors is not None:
        encoded = EncoderIdentity.model_validate(work.facts["text_encoder"]), vectors
    return fit_text(rows, config.text, encoded)


def _save(path: object, vectors: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    with open(str(path), "wb") as stream:  # noqa: PTH123 - numpy would add a suffix to a name
        np.save(stream, vectors, allow_pickle=False)
