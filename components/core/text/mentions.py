"""Mentions of the left ventricle's systolic function: what is named, and what is said of it.

An anchor (`ejection fraction`, `LV systolic function`, …) is found first; from it the text is read
to both sides over words that may stand between it and its value or description. Nothing is read
further than a fixed number of tokens, so that the time is linear in the text.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from components.core.text import mention_words as vocabulary
from components.core.text.mention_anchors import Anchor, find_anchors
from components.core.text.mention_tokens import Tokens, is_year
from components.core.text.mention_values import (
    Value,
    follows_anothers,
    is_anothers,
    value_at,
    value_before,
)

Span = tuple[int, int]

# Tokens from the last thing understood to the next: "EF by two-dimensional echocardiography, read
# by the biplane method of discs, is 35 %".
_REACH = 24
# Of these, words that the vocabulary does not know, before a value with a percent sign.
_MOST_UNKNOWN = 8
_DESCRIPTION = vocabulary.SEVERITY | vocabulary.STATE


@dataclass
class _Reading:
    """How far the text behind an anchor has been understood.

    Attributes:
        spans: of tokens; the last one grows.
        valued: whether a value was found.
        described: whether a description was found.
        tight: whether nothing but copulas and marks lies behind the last thing understood.
        unknown: words since then that the vocabulary does not know.
        earlier: whether one since then announces an earlier or later value.
    """

    spans: list[list[int]]
    valued: bool = False
    described: bool = False
    tight: bool = True
    unknown: int = 0
    earlier: bool = False
    since: list[str] = field(default_factory=list[str])

    def understood(self, start: int, stop: int) -> None:
        """Take in the tokens up to `stop`, as a span of their own behind unknown words."""
        if self.unknown:
            self.spans.append([start, stop])
        else:
            self.spans[-1][1] = stop
        self.tight, self.unknown, self.earlier = True, 0, False


def find_mentions(tokens: Tokens) -> list[Span]:
    """Return the tokens of each mention as `(first, behind the last)`, in order, apart."""
    anchors = find_anchors(tokens)
    starts = {anchor.start for anchor in anchors}
    spans: list[Span] = []
    for anchor in anchors:
        spans += _mention(tokens, anchor, starts)
    return _apart(sorted(spans))


def _apart(spans: list[Span]) -> list[Span]:
    kept: list[Span] = []
    for start, stop in spans:
        if kept and start < kept[-1][1]:
            kept[-1] = kept[-1][0], max(stop, kept[-1][1])
        else:
            kept.append((start, stop))
    return kept


def _mention(tokens: Tokens, anchor: Anchor, starts: set[int]) -> list[Span]:
    if anchor.kind == "word":
        return [(anchor.start, anchor.stop)]
    reading = _read_on(tokens, anchor, starts)
    start = anchor.start
    if not reading.valued:
        value = value_before(tokens, anchor.start)
        if value is not None and not follows_anothers(tokens, value):
            start, reading.valued = value, True
    start, described = _read_back(tokens, anchor, start)
    if anchor.kind == "valued" and not reading.valued:
        return []
    if anchor.kind == "described" and not (described or reading.described):
        return []
    reading.spans[0][0] = start
    return [(first, last) for first, last in reading.spans]


def _read_on(tokens: Tokens, anchor: Anchor, starts: set[int]) -> _Reading:
    """Read from the anchor to the right."""
    reading = _Reading([[anchor.start, anchor.stop]])
    i = last = anchor.stop
    while i - last < _REACH and not tokens.is_break(i) and i not in starts:
        stop = _content(tokens, i, anchor, reading)
        if stop:
            i = last = stop
            continue
        step = _step(tokens, i, anchor, reading)
        if not step:
            break
        i += step
    return reading


def _content(tokens: Tokens, i: int, anchor: Anchor, reading: _Reading) -> int:
    """Take in a value or a description at `i`; return the place behind it, 0 where none stands."""
    value = None if anchor.kind == "described" else value_at(tokens, i)
    if value is not None and _belongs(tokens, value, reading):
        reading.understood(i, value.stop)
        reading.valued = True
        return value.stop
    stop = 0 if reading.unknown or anchor.kind == "valued" else _description(tokens, i)
    if stop and (_closed(tokens, stop) or _said_directly(anchor, reading)):
        reading.understood(i, stop)
        reading.described = True
        return stop
    return 0


def _said_directly(anchor: Anchor, reading: _Reading) -> bool:
    return reading.tight and not reading.valued and anchor.kind == "named"


def _belongs(tokens: Tokens, value: Value, reading: _Reading) -> bool:
    if not value.plain:
        return (reading.tight and not reading.valued) or not is_anothers(tokens, value.stop)
    if reading.unknown:
        return False
    if reading.valued:
        return reading.earlier and _closed(tokens, value.stop)
    return reading.tight or _closed(tokens, value.stop)


def _description(tokens: Tokens, i: int) -> int:
    """Return the place behind a description that starts at `i` and holds a state, else 0."""
    stop = 0
    while tokens.word(i) in _DESCRIPTION or (stop and tokens.word(i) in vocabulary.JOINING):
        if tokens.word(i) in vocabulary.STATE:
            stop = i + 1
        elif not stop and tokens.word(i + 1) in vocabulary.JOINING:
            i += 1  # "mild to moderately reduced"
        i += 1
    return stop


def _closed(tokens: Tokens, i: int) -> bool:
    """Return whether what ends at `i` is said of nothing that follows."""
    if tokens.is_break(i) or tokens.lines[i] or tokens.kind[i] != "word":
        return True
    word = tokens.word(i)
    return word in vocabulary.FILLERS or word in _DESCRIPTION


def _step(tokens: Tokens, i: int, anchor: Anchor, reading: _Reading) -> int:
    """Return how many tokens at `i` are passed over, 0 to stop reading."""
    word, kind = tokens.word(i), tokens.kind[i]
    if word in vocabulary.FILLERS or kind == "date" or kind == "mark":
        reading.tight = reading.tight and word in vocabulary.TIGHT
        reading.earlier = reading.earlier or word in vocabulary.EARLIER
        return 1
    reading.tight = False
    if kind == "number":
        timed = tokens.word(i + 1) in vocabulary.TIME_UNITS
        return 2 if timed else int(is_year(word))
    if anchor.kind != "named" or reading.valued or word in vocabulary.OTHERS:
        return 0
    reading.unknown += 1
    return int(reading.unknown <= _MOST_UNKNOWN)


def _read_back(tokens: Tokens, anchor: Anchor, start: int) -> tuple[int, bool]:
    """Return where the description before `start` begins, and whether there is one."""
    if anchor.kind == "valued":
        return start, False
    if anchor.kind == "described" and not _closed(tokens, anchor.stop):
        return start, False
    best, described = start, False
    between: set[str] = set()
    for i in range(start - 1, max(-1, start - 1 - _REACH), -1):
        word = tokens.word(i)
        if _adds(word, between, described=described):
            best, described, between = i, described or word in vocabulary.STATE, set()
        elif word in vocabulary.JOINING or word in vocabulary.LEADING:
            between.add(word)
        else:
            break
    return best, described


def _adds(word: str, between: set[str], *, described: bool) -> bool:
    """Return whether a word before an anchor belongs to it over the words in between."""
    if word in vocabulary.CHANGES and between <= vocabulary.LEADING:
        return True
    if word in vocabulary.NEGATION:
        return between <= vocabulary.LEADING
    if word not in _DESCRIPTION:
        return False
    return not between or (described and between <= vocabulary.JOINING)
