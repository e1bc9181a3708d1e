"""Notes may state the label: mentions of ejection fraction and its synonyms are masked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from components.core.text.mention_tokens import tokenise
from components.core.text.mentions import find_mentions

# Says that something stood here, and nothing of what; in brackets, so that no pattern reads over
# it, and without a word of any label.
MASK = "[masked]"
# Every anchor holds one of these; most pieces of most notes hold none and are not looked at.
_HINT = re.compile(
    r"(?<![^\W\d_])(?:l\.?v|lev|elv|e\.f|efs?(?![^\W\d_])|ej|h\.?f|func|fxn?(?![^\W\d_])|dysf|disf"
    r"|contract|hypo[kc]|akin|fs(?![^\W\d_])|fract|muga|rnv|left\W{1,3}v|systolic|diastolic"
    r"|performance|impairment)",
    re.IGNORECASE,
)
# Characters around a hint that can belong to a mention: 24 tokens of usual length.
_BEFORE, _BEHIND = 200, 300
_SPACE = re.compile(r"\s")


@dataclass(frozen=True)
class Masked:
    """A text whose mentions are replaced by `[masked]`.

    Attributes:
        text: without them.
        count: how many were replaced.
    """

    text: str
    count: int


def mask_lvef(text: str) -> Masked:
    """Replace mentions of ejection fraction, its values and its synonyms.

    What is taken for a mention stands in `docs/text.md`. Time is linear in the text. A masked text
    has no mention left, and masking it again changes nothing.
    """
    total = 0
    while True:
        text, count = _mask_once(text)
        # With a mention gone, what stood beyond it can come into another one's reach.
        if not count:
            return Masked(text, total)
        total += count


def _mask_once(text: str) -> tuple[str, int]:
    parts: list[str] = []
    done = count = 0
    for first, last in _pieces(text):
        tokens = tokenise(text, first, last)
        for start, stop in find_mentions(tokens):
            parts += [text[done : tokens.start[start]], MASK]
            done = tokens.stop[stop - 1]
            count += 1
    return "".join([*parts, text[done:]]), count


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Yield the pieces of the text around hints, in order, apart."""
    first = last = -1
    for match in _HINT.finditer(text):
        start, stop = match.start() - _BEFORE, match.end() + _BEHIND
        if start > last:
            if last >= 0:
                yield _whole_words(text, first, last)
            first = max(start, 0)
        last = stop
    if last >= 0:
        yield _whole_words(text, first, last)


def _whole_words(text: str, first: int, last: int) -> tuple[int, int]:
    """Return a piece without the words that its edges cut."""
    if first > 0:
        space = _SPACE.search(text, first, first + _BEFORE)
        first = space.start() if space else first + _BEFORE
    if last < len(text):
        edge = text.rfind(" ", last - _BEHIND, last)
        last = edge if edge >= 0 else last - _BEHIND
    return first, min(last, len(text))
