"""Words of notes by the log-odds that they bring: over the cohort, and in a single note.

Notes are patient data. A word is listed only where at least `LEAST_PATIENTS` patients have it; a
whole note is shown only where that was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.errors import InputError
from components.core.metrics.column_means import mean_intervals, patients_with
from components.core.metrics.interval import number
from components.core.metrics.resampling import Plan
from components.core.report.section import Table
from components.explain.pictures.means import DIGITS

Floats = npt.NDArray[np.float64]
# A word of fewer patients could tell who they are, and its mean would say little.
LEAST_PATIENTS = 5
# As many words as a reader takes in.
MOST_WORDS = 30
LEVELS = 4
# Marks around a word are not part of it.
_AROUND = ".,;:!?()[]{}\"'`«»„“”‘’…"
# One word of fifty may be stronger than the strongest mark.
_LIMIT_PERCENTILE = 98.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Note:
    """A note's words in order.

    Attributes:
        words: `W`, as written.
        change: `[W]` log-odds with the word minus log-odds without it; above 0 the word speaks for
            the event.
    """

    words: tuple[str, ...]
    change: Floats

    def __post_init__(self) -> None:
        if self.change.shape != (len(self.words),):
            raise InputError(
                f"a note has {len(self.words)} words and changes of shape {self.change.shape}; "
                "give one change per word"
            )


@dataclass(frozen=True, kw_only=True)
class Marked:
    """A word as the page shows it.

    Attributes:
        word: as written.
        level: −`LEVELS` (against) … `LEVELS` (towards); 0 is not marked.
        change: signed log-odds in print.
    """

    word: str
    level: int
    change: str

    @property
    def kind(self) -> str:
        """Return the class of the mark: `t3`, say, towards, or `a1` against."""
        return f"{'t' if self.level > 0 else 'a'}{abs(self.level)}"


def marked(note: Note, limit: float) -> tuple[Marked, ...]:
    """Return a note's words with their marks.

    Args:
        note: to be shown.
        limit: log-odds at which the mark is full (`limit_of` the cohort's notes).
    """
    share = np.clip(note.change / limit, -1, 1) if limit > 0 else np.zeros(len(note.words))
    rounded = np.rint(np.nan_to_num(share) * LEVELS).astype(np.int64).tolist()
    return tuple(
        Marked(word=word, level=level, change=signed(change))
        for word, level, change in zip(note.words, rounded, note.change.tolist(), strict=True)
    )


def limit_of(notes: Sequence[Note]) -> float:
    """Return the log-odds at which marks are full: 98th percentile of all words' magnitudes."""
    size = np.abs(np.concatenate([np.zeros(0), *[note.change for note in notes]]))
    size = size[np.isfinite(size)]
    return float(np.percentile(size, _LIMIT_PERCENTILE)) if size.size else 0.0


def signed(value: float) -> str:
    """Return a number with its sign.

    >>> signed(0.25), signed(-0.25)
    ('+0.250', '−0.250')
    """
    return f"{'+' if value > 0 else ''}{number(value, DIGITS)}"


def word_table(
    notes: Sequence[Note], patients: npt.ArrayLike, *, plan: Plan, least: int = LEAST_PATIENTS
) -> Table:
    """Return the words that change answers most, with their mean change over the records.

    Args:
        notes: of `n` records; without a word where there is none.
        patients: `[n]` whose record it is.
        plan: how patients are resampled.
        least: patients that a word must have; not below `LEAST_PATIENTS`.

    Raises:
        InputError: one patient per note is needed, or `least` is too low.
    """
    if least < LEAST_PATIENTS:
        raise InputError(
            f"words of {least} patients were asked for; {LEAST_PATIENTS} is the least, since "
            "fewer could be recognised"
        )
    values, words = _matrix(notes)
    counts = patients_with(values, patients)
    kept = [k for k in range(len(words)) if counts[k] >= least]
    size = {k: abs(float(np.nanmean(values[:, k]))) for k in kept}
    kept = sorted(kept, key=lambda k: (-size[k], words[k]))[:MOST_WORDS]
    names = [words[k] for k in kept]
    found = mean_intervals(values[:, kept], names, patients, plan=plan) if kept else {}
    rows = tuple((name, found[name].text(DIGITS), str(counts[k]))
                 for name, k in zip(names, kept, strict=True))  # fmt: skip
    note = (
        f"Words of fewer than {least} patients are left out. Above 0 a word speaks for the "
        "event; of many words some keep 0 out of their interval by chance."
    )
    header = ("word", "mean change in log-odds (95 % interval)", "patients")
    return Table("Words: what their removal takes from the log-odds", header, rows, note)


def _matrix(notes: Sequence[Note]) -> tuple[Floats, list[str]]:
    """Return `[n, V]` a word's mean change in each note, NaN where it does not occur, and words."""
    per_note = [_means(note) for note in notes]
    words = sorted({word for own in per_note for word in own})
    place = {word: k for k, word in enumerate(words)}
    values = np.full((len(notes), len(words)), np.nan)
    for row, own in enumerate(per_note):
        for word, change in own.items():
            values[row, place[word]] = change
    return values, words


def _means(note: Note) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for word, change in zip(note.words, note.change.tolist(), strict=True):
        bare = word.strip(_AROUND).casefold()
        if bare and np.isfinite(change):
            found.setdefault(bare, []).append(change)
    return {word: float(np.mean(changes)) for word, changes in found.items()}
