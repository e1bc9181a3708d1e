"""Whole notes on the page, each word marked by what its removal takes from the log-odds.

Notes are patient data: none is shown unless `ExplainConfig.notes` asks for some.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from components.core.data.texts import notes_of
from components.explain.explained import Explained, Fold
from components.explain.method import Words
from components.explain.methods.token_ablation import words_of
from components.explain.page import Record
from components.explain.pictures.overlay import Answer, shown
from components.explain.pictures.tokens import Note, limit_of, marked


def speaks_of_words(explained: Explained) -> str:
    """Return the first method that says what words do; empty where none does."""
    said = ((name, own) for fold in explained.folds for name, own in fold.said.items())
    return next((name for name, own in said if own.words is not None), "")


def noted(explained: Explained, names: pd.Series) -> tuple[Record, ...]:
    """Return the records whose notes are shown: of high, low and middle risk among those with one.

    Args:
        explained: all of it; `config.notes` of the notes are shown.
        names: `sample_id` → `row-N`.
    """
    method = speaks_of_words(explained)
    if not method or not explained.config.notes:
        return ()
    found = [
        (fold, at, own)
        for fold in explained.folds
        if method in fold.said
        for at, own in enumerate(fold.said[method].words or ())
        if own.words
    ]
    log_odds = np.array([fold.records["log_odds"].iloc[at] for fold, at, _ in found], np.float64)
    limit = limit_of([Note(words=own.words, change=own.values) for _, _, own in found])
    picked = [found[k] for k in shown(log_odds, explained.config.notes)]
    return tuple(_record(fold, at, names, own=own, limit=limit) for fold, at, own in picked)


def _record(fold: Fold, at: int, names: pd.Series, *, own: Words, limit: float) -> Record:
    told = fold.records.iloc[at]
    answer = Answer(
        name=str(names[str(told["sample_id"])]),
        log_odds=float(told["log_odds"]),
        baseline=float(told["baseline"]),
        sums={},
    )
    (text,) = notes_of(fold.subject.rows.frame.iloc[[at]])
    change = dict(zip(own.words, own.values.tolist(), strict=True))  # noqa: PD011 - an array
    note = as_written(text or "", change)
    return Record(name=answer.name, facts=answer.facts(), words=marked(note, limit))


def as_written(text: str, change: Mapping[str, float]) -> Note:
    """Return a note's words as they stand, with what the encoder's words in them do.

    Args:
        text: of the note.
        change: word as the encoder reads it → log-odds; the strongest counts where several are
            written as one (`EF:55`), and what is no word does nothing.
    """
    written = tuple(text.split())
    each = [[change.get(word, 0.0) for word in words_of(own)] for own in written]
    strongest = [max(own, key=abs, default=0.0) for own in each]
    return Note(words=written, change=np.array(strongest, np.float64))
