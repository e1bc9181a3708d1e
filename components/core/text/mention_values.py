"""Values of an ejection fraction: percent, fractions, ranges, in digits or words."""

from __future__ import annotations

from dataclasses import dataclass

from components.core.text import mention_words as vocabulary
from components.core.text.mention_tokens import Tokens, number

# Without a percent sign only these are taken for percentages: ejection fractions in use.
_LEAST, _MOST = 5.0, 95.0
_HUNDRED = 100.0
# Marks between the two ends of a range: `+ / -`, `- >`.
_MOST_CONNECTING = 4
# Tokens behind a value that can say that it is something else's.
_AHEAD = 3


@dataclass(frozen=True)
class Value:
    """A value found in a text.

    Attributes:
        stop: behind its last token.
        percent: whether a percent sign or word stands in it.
        plain: whether it is a number that could be anything.
    """

    stop: int
    percent: bool
    plain: bool


def value_at(tokens: Tokens, i: int) -> Value | None:
    """Return the value or range that starts at token `i`, if one does."""
    first = _one(tokens, i)
    if first is None:
        return None
    stop, percent, fraction = first
    while (following := _next(tokens, stop)) is not None:
        stop, more, part = following
        percent, fraction = percent or more, fraction or part
    unit = not percent and tokens.word(stop) in vocabulary.UNITS
    plausible = percent or fraction or _in_use(tokens, i)
    return Value(stop, percent, not (percent or fraction)) if plausible and not unit else None


def _next(tokens: Tokens, stop: int) -> tuple[int, bool, bool] | None:
    for gap in range(1, _MOST_CONNECTING + 1):
        if tokens.word(stop + gap - 1) not in vocabulary.CONNECT:
            return None
        found = _one(tokens, stop + gap)
        if found is not None:
            # "35 and 40 mg", "35 % and 40 % stenosis": the second is no other end of a range.
            unit = not found[1] and tokens.word(found[0]) in vocabulary.UNITS
            return None if unit or is_anothers(tokens, found[0]) else found
    return None


def _one(tokens: Tokens, i: int) -> tuple[int, bool, bool] | None:
    """Return where one number ends, whether it has a percent sign, whether it is a fraction."""
    if tokens.is_break(i):
        return None
    fraction = False
    stop = i
    if tokens.kind[i] == "number":
        value = number(tokens.word(i))
        if value is None or value > _HUNDRED:
            return None
        fraction = 0 < value < 1
        stop = i + 1
    else:
        while tokens.word(stop) in vocabulary.NUMBER_WORDS:
            hyphen = tokens.word(stop + 1) == "-"
            joined = hyphen and tokens.word(stop + 2) in vocabulary.NUMBER_WORDS
            stop += 2 if joined else 1
        if stop == i:
            return None
    return *_percent(tokens, _plural(tokens, stop)), fraction


def _plural(tokens: Tokens, stop: int) -> int:
    """Return the place behind the `s` of `30s` or `30's`."""
    mark = tokens.word(stop) in {"'", "’"} and tokens.word(stop + 1) == "s"
    return stop + 2 if mark else stop + (tokens.word(stop) == "s")


def _percent(tokens: Tokens, stop: int) -> tuple[int, bool]:
    if tokens.word(stop) in vocabulary.PERCENT:
        return stop + 1, True
    if tokens.word(stop) == "per" and tokens.word(stop + 1) in vocabulary.PERCENT:
        return stop + 2, True
    return stop, False


def _in_use(tokens: Tokens, i: int) -> bool:
    if tokens.kind[i] != "number":
        return tokens.word(i) not in vocabulary.SMALL_WORDS
    return _LEAST <= (number(tokens.word(i)) or 0) <= _MOST


def is_anothers(tokens: Tokens, stop: int) -> bool:
    """Return whether the words behind a value say that it is a stenosis, a saturation and so on."""
    for i in range(stop, stop + _AHEAD):
        if tokens.is_break(i) or tokens.word(i) in {",", "("} or tokens.lines[i]:
            return False
        if tokens.word(i) in vocabulary.OTHERS:
            return True
    return False


def follows_anothers(tokens: Tokens, i: int) -> bool:
    """Return whether the words before a value say so."""
    for j in range(i - 1, i - 2 - _AHEAD, -1):
        if tokens.is_break(j) or tokens.word(j) == ",":
            return False
        if tokens.word(j) in vocabulary.OTHERS:
            return True
    return False


def value_before(tokens: Tokens, i: int) -> int | None:
    """Return where a value with a percent sign begins that ends right before token `i`."""
    for start in range(max(0, i - 9), i):  # the longest in use: "thirty - five to forty per cent"
        value = value_at(tokens, start)
        if value is not None and value.stop == i and value.percent:
            return start
    return None
