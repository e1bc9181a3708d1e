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
    if config.encoder == "tfidf":
        return
    from components.core.text.cache import EmbeddingCache
    from components.core.text.embed import embed
    from components.core.text.huggingface import load_encoder  # imports transformers

    encoder = load_encoder(config)
    cache = EmbeddingCache(data_root() / CACHE, encoder.identity)
    notes = notes_of(frame)
    vectors = embed(notes, encoder, cache)
    vectors[[note is None for note in notes]] = np.nan
    write_atomic(work.path(*FILE.split("/")), lambda p: _save(p, vectors))
    work.facts["text_encoder"] = encoder.identity.model_dump()


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
