"""A text as words, numbers, dates and marks, each with its place; in linear time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from components.core.text import mention_words as vocabulary

# No quantifier stands in another over the same characters, so nothing is tried twice.
_TOKEN = re.compile(
    r"(?P<break>\n\s*\n)"
    r"|(?P<date>\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?![\d%])|\d{1,2}/(?:19|20)\d\d(?!\d))"
    r"|(?P<number>\d+(?:[.,]\d+)?|[.,]\d+)"
    r"|(?P<initials>(?:[^\W\d_]\.){2,}(?:[^\W\d_](?![^\W\d_]))?)"
    r"|(?P<word>[^\W\d_]+)"
    r"|(?P<mark>[^\w\s]|_)"
)
# A number of more characters is no percentage, and need not be read.
_LONGEST_NUMBER = 6
_YEARS = (1900.0, 2100.0)
# Behind these a full stop ends no sentence.
_ABBREVIATED = vocabulary.ABBREVIATED
_MOST_EDITS = 2
_TYPO_LENGTHS = range(6, 11)


@dataclass(frozen=True, eq=False)
class Tokens:
    """Tokens of a piece of text; lists of one length.

    Attributes:
        kind: `word`, `number`, `date`, `mark` or `break` (the end of a sentence or paragraph).
        text: in lower case; initials without their dots.
        start: of the first character.
        stop: behind the last one.
        lines: whether a line ends before the token.
    """

    kind: list[str]
    text: list[str]
    start: list[int]
    stop: list[int]
    lines: list[bool]

    def __len__(self) -> int:
        return len(self.kind)

    def word(self, i: int) -> str:
        """Return token `i` in lower case, empty beyond either end."""
        return self.text[i] if 0 <= i < len(self.text) else ""

    def is_break(self, i: int) -> bool:
        """Return whether the text ends at `i`, or a sentence does."""
        return not 0 <= i < len(self.kind) or self.kind[i] == "break"

    def glued(self, i: int) -> bool:
        """Return whether token `i` is part of a longer code such as `a8ef`."""
        joined = i > 1 and self.stop[i - 1] == self.start[i] and self.kind[i - 1] == "number"
        return joined and self.kind[i - 2] == "word" and self.stop[i - 2] == self.start[i - 1]


def tokenise(text: str, first: int, last: int) -> Tokens:
    """Return the tokens of `text[first:last]`."""
    found = Tokens([], [], [], [], [])
    for match in _TOKEN.finditer(text, first, last):
        kind, value = match.lastgroup or "", match.group().lower()
        if kind == "initials":
            kind, value = "word", value.replace(".", "")
        if kind == "mark" and value in ".;!?":
            kind = "break" if _ends(found, text, match.start()) else "mark"
            value = "-" if kind == "mark" else value  # dots that lead to a value
        before = found.stop[-1] if found.stop else first
        found.kind.append(kind)
        found.text.append(value)
        found.start.append(match.start())
        found.stop.append(match.end())
        found.lines.append("\n" in text[before : match.start()])
    return found


def _ends(before: Tokens, text: str, at: int) -> bool:
    """Return whether the mark at `at` ends a sentence."""
    if text[at] != ".":
        return True
    dotted = bool(before.kind) and before.kind[-1] == "mark" and text[at - 1] == "."
    in_row = dotted or text[at + 1 : at + 2] == "."
    return not in_row and before.word(len(before) - 1) not in _ABBREVIATED


def number(text: str) -> float | None:
    """Return a number with decimal point or comma; None for one too long to be of interest."""
    return float(text.replace(",", ".")) if len(text) <= _LONGEST_NUMBER else None


def is_year(text: str) -> bool:
    """Return whether a number is a calendar year."""
    value = number(text)
    return value is not None and text.isdigit() and _YEARS[0] <= value <= _YEARS[1]


def starts_ejection(word: str) -> bool:
    """Return whether a word is `ejection`, also mistyped."""
    return word in vocabulary.EF_FIRST or (word.startswith("ej") and _like(word, "ejection"))


def ends_fraction(word: str) -> bool:
    """Return whether a word is `fraction`, also mistyped."""
    return word in vocabulary.EF_SECOND or (word.startswith("f") and _like(word, "fraction"))


@lru_cache(maxsize=4096)
def _like(word: str, wanted: str) -> bool:
    """Return whether at most two letters are lost, added, changed or exchanged with a neighbour."""
    if len(word) not in _TYPO_LENGTHS:
        return False
    older: list[int] = []
    last = list(range(len(wanted) + 1))
    for i, letter in enumerate(word, 1):
        row = [i]
        for j, other in enumerate(wanted, 1):
            best = min(row[j - 1] + 1, last[j] + 1, last[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == wanted[j - 2] and word[i - 2] == other:
                best = min(best, older[j - 2] + 1)
            row.append(best)
        older, last = last, row
    return last[-1] <= _MOST_EDITS
