"""Token ablation: what the log-odds lose when a word is taken out of the note, wherever it stands.

The note is encoded anew, without the word, by the encoder that the fold's statistics hold.
"""

from __future__ import annotations

import unicodedata

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from components.core.attribution.target import of_tensors
from components.core.config.explain import ExplainConfig
from components.core.data.batches import Batch
from components.core.data.texts import NOTE, notes_of
from components.core.errors import CardioError
from components.core.text.tfidf import TfidfEncoder
from components.core.text.words import words
from components.explain.joined import joined
from components.explain.lots import POINTS, Index, lots
from components.explain.method import Attributed, Words
from components.explain.subject import Subject

NAME = "tokens"
TITLE = "Words of the note"
ORDER = 60
# A letter of no alphabet that notes are written in (U+02AC): in the place of a word it keeps that
# word's neighbours from becoming a pair.
_GAP = "\N{LATIN LETTER BILABIAL PERCUSSIVE}"
_REMARK = (
    "Log-odds − log-odds of the note without any occurrence of the word. Words that no term of the "
    "encoder holds have exactly 0; numbers count as one word, 0, since the encoder reads no digits."
)


def why_not(subject: Subject) -> str:
    """Return why the method does not fit; empty where it does."""
    if "text" not in subject.inputs:
        return "it reads no note"
    if not isinstance(subject.rows.stats.text, TfidfEncoder):
        return "its notes were read by a frozen encoder, which is not at hand to read them again"
    if NOTE not in subject.rows.frame:
        return "the records hold no note's text"
    return ""


def passes(subject: Subject, config: ExplainConfig) -> float:
    """Return the mean cost of a record: a pass per known word, and one with all."""
    del config
    encoder = encoder_of(subject)
    known = {word for term in encoder.terms for word in term.split()}
    notes = notes_of(subject.rows.frame)
    asked = sum(len(known.intersection(words_of(note))) + 1 for note in notes if note)
    return asked / max(len(notes), 1)


def encoder_of(subject: Subject) -> TfidfEncoder:
    """Return the encoder of the notes.

    Raises:
        CardioError: the method does not fit the subject.
    """
    encoder = subject.rows.stats.text
    if not isinstance(encoder, TfidfEncoder):
        raise CardioError(f"words cannot be taken out: {why_not(subject)}; ask `why_not` first")
    return encoder


def words_of(note: str) -> list[str]:
    """Return the words of a note in order, as the encoder reads them."""
    return words(unicodedata.normalize("NFKC", note))


def explain(subject: Subject, index: npt.NDArray[np.int64], config: ExplainConfig) -> Attributed:
    """Return what each word of each note does; a record without a note has none."""
    del config
    return joined([_lot(subject, lot) for lot in lots(subject, index)])


def _lot(subject: Subject, lot: Index) -> Attributed:
    batch, encoder = subject.batch(lot), encoder_of(subject)
    notes = notes_of(subject.rows.frame.iloc[lot])
    distinct = [list(dict.fromkeys(words_of(note))) if note else [] for note in notes]
    vectors = [
        encoder.transform([_without(note, word) for word in own]) if note else _none(encoder)
        for note, own in zip(notes, distinct, strict=True)
    ]
    values = _lost(subject, batch, vectors)
    found = tuple(
        Words(words=tuple(own), values=lost) for own, lost in zip(distinct, values, strict=True)
    )
    return Attributed(grouped={}, words=found, remark=_REMARK)


def _none(encoder: TfidfEncoder) -> npt.NDArray[np.float32]:
    return np.zeros((0, encoder.width), np.float32)


def _without(note: str, word: str) -> str:
    return " ".join(_GAP if own == word else own for own in words_of(note))


def _lost(
    subject: Subject, batch: Batch, vectors: list[npt.NDArray[np.float32]]
) -> list[npt.NDArray[np.float64]]:
    """Return per record `[w]` log-odds − log-odds with each of its vectors `[w, W]`."""
    record = np.repeat(np.arange(len(vectors)), [len(own) for own in vectors])
    text = torch.from_numpy(np.concatenate(vectors)).to(batch["text"])
    rows = torch.from_numpy(record).to(text.device)
    changed = (text != batch["text"][rows]).any(1)
    lost = np.zeros(len(record))
    lost[changed.cpu().numpy()] = _asked(subject, batch, text[changed], rows[changed])
    ends = np.cumsum([len(own) for own in vectors])
    return np.split(lost, ends[:-1])


def _asked(subject: Subject, batch: Batch, text: Tensor, record: Tensor) -> npt.NDArray[np.float64]:
    """Return `[P]` log-odds − log-odds with another vector of the note."""
    f = of_tensors(subject.target, batch, ("text",))
    before = torch.from_numpy(subject.log_odds(batch)).to(text.device)
    parts = [before.new_zeros(0)]
    with torch.no_grad():
        for own, row in zip(text.split(POINTS), record.split(POINTS), strict=True):
            parts.append(before[row] - f(own, row).double())
    return torch.cat(parts).cpu().numpy()
