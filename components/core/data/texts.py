"""A record's notes as numbers, by what the fold's training part taught.

TF-IDF is fitted on the training notes and lies in the fold's statistics. A frozen Transformer is
asked once, in preprocess; its vectors lie beside the manifest, row by row, and a fold adds mean and
SD of each dimension over its training part.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.config.base import Frozen
from components.core.config.text import TextConfig
from components.core.errors import InputError
from components.core.schemas import EMBEDDINGS, MANIFEST, TEXT_PREFIX
from components.core.store import Stage
from components.core.text.identity import EncoderIdentity
from components.core.text.tfidf import TfidfEncoder, fit_tfidf

if TYPE_CHECKING:
    from components.core.data.foldstats import FoldStats

Singles = npt.NDArray[np.float32]
Embedded = tuple[Singles, npt.NDArray[np.bool_]]
NOTE = f"{TEXT_PREFIX}note"
FILE = f"{EMBEDDINGS}/note.npy"


class EncodedText(Frozen):
    """Mean and SD of a frozen encoder's vectors over a fold's training notes.

    Attributes:
        identity: of the encoder.
        mean: of each dimension.
        sd: likewise; 1 where a dimension is constant.
    """

    identity: EncoderIdentity
    mean: tuple[float, ...]
    sd: tuple[float, ...]

    def standardise(self, vectors: Singles) -> Singles:
        """Return `[n, width]` standardised vectors.

        Raises:
            InputError: their width is another.
        """
        if vectors.shape[1] != len(self.mean):
            raise InputError(
                f"the notes' encoder gives {vectors.shape[1]} dimensions, the head was trained on "
                f"{len(self.mean)}; load the encoder '{self.identity.model}' that it was trained on"
            )
        mean, sd = (np.asarray(each, np.float32) for each in (self.mean, self.sd))
        return ((vectors - mean) / sd).astype(np.float32)


TextStats = TfidfEncoder | EncodedText


def notes_of(rows: pd.DataFrame) -> list[str | None]:
    """Return the note of each record, None where there is none."""
    if NOTE not in rows:
        return [None] * len(rows)
    return [text if isinstance(text, str) and text.strip() else None for text in rows[NOTE]]


def fit_text(
    rows: pd.DataFrame, config: TextConfig, encoded: tuple[EncoderIdentity, Singles] | None
) -> TextStats:
    """Return what a training part's notes teach.

    Args:
        rows: its manifest rows.
        config: which encoder.
        encoded: of a frozen encoder: its identity and the `[n, width]` vectors of these rows.

    Raises:
        InputError: there is no note, or TF-IDF finds no usable term.
    """
    notes = notes_of(rows)
    there = np.array([note is not None for note in notes])
    if not there.any():
        raise InputError(
            "preprocess.modalities names text, but no training record has a note; bring notes or "
            "leave text out"
        )
    if encoded is None:
        patients = rows.loc[there, "patient_id"].tolist()
        return fit_tfidf([n for n in notes if n is not None], config, patients=patients)
    identity, vectors = encoded
    known = vectors[there].astype(np.float64)
    sd = known.std(axis=0)
    return EncodedText(
        identity=identity,
        mean=tuple(known.mean(axis=0).tolist()),
        sd=tuple(np.where(sd > 0, sd, 1.0).tolist()),
    )


def encoded_rows(stage_folder: Path, rows: pd.DataFrame) -> Singles | None:
    """Return the frozen encoder's vectors of manifest rows; None where there is no such file."""
    file = stage_folder / FILE
    if not file.is_file():
        return None
    ids = pd.read_parquet(stage_folder / MANIFEST, columns=["sample_id"])["sample_id"]
    place = pd.Index(ids).get_indexer(pd.Index(rows["sample_id"]))
    return np.load(file, mmap_mode="r", allow_pickle=False)[place]


def stage_text(stage: Stage, rows: pd.DataFrame) -> TextStats | None:
    """Return what the notes of some rows of a prepared cohort teach; None without notes."""
    if "text" not in stage.facts["modalities"]:
        return None
    vectors = encoded_rows(stage.folder, rows)
    encoded = None
    if vectors is not None:
        encoded = EncoderIdentity.model_validate(stage.facts["text_encoder"]), vectors
    return fit_text(rows, TextConfig.model_validate(stage.facts["text"]), encoded)


def embedded(stage: Stage, rows: pd.DataFrame, stats: FoldStats) -> Embedded:
    """Return `[n, width]` embeddings of the notes and `[n]` whether there is one.

    Raises:
        InputError: the statistics are of a frozen encoder that this cohort was not read with.
    """
    own = stats.text
    if own is None:
        return np.zeros((len(rows), 0), np.float32), np.zeros(len(rows), np.bool_)
    notes = notes_of(rows)
    mask = np.array([note is not None for note in notes], dtype=np.bool_)
    if isinstance(own, TfidfEncoder):
        return own.transform(notes), mask
    vectors = encoded_rows(stage.folder, rows)
    cohort = stage.facts.get("text_encoder")
    if vectors is None or cohort != own.identity.model_dump():
        raise InputError(
            f"the model reads notes with '{own.identity.model}', which this cohort was not "
            "prepared with; prepare it with the same preprocess.text"
        )
    found = own.standardise(np.asarray(vectors, np.float32))
    found[~mask] = 0
    return found, mask
