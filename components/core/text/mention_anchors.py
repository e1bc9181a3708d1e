"""Where a text speaks of the left ventricle's systolic function, before what it says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from components.core.text import mention_words as vocabulary
from components.core.text.mention_tokens import Tokens, ends_fraction, starts_ejection

# `named`: a mention by itself. `valued`: only beside a value. `described`: only beside a
# description. `word`: by itself, and nothing beside it belongs to it.
Kind = Literal["named", "valued", "described", "word"]
# Words before a noun that can belong to it: "overall left ventricular systolic and diastolic".
_MOST_MODIFIERS = 12
# Tokens between `systolic` and `heart failure`: "systolic (congestive) heart failure".
_MOST_BETWEEN = 5


@dataclass(frozen=True)
class Anchor:
    """Tokens `start` to `stop` (excluded) that name what a value or description belongs to."""

    start: int
    stop: int
    kind: Kind


def find_anchors(tokens: Tokens) -> list[Anchor]:
    """Return the anchors in order; of those that overlap the first, of those the longest."""
    found = [anchor for i in range(len(tokens)) for anchor in _at(tokens, i)]
    found.sort(key=lambda each: (each.start, -each.stop))
    kept: list[Anchor] = []
    for anchor in found:
        if not kept or anchor.start >= kept[-1].stop:
            kept.append(anchor)
    return kept


def _at(tokens: Tokens, i: int) -> list[Anchor]:
    if tokens.kind[i] != "word" or tokens.glued(i):
        return []
    finders: tuple[Callable[[Tokens, int], Anchor | None], ...] = (
        _ejection_fraction, _short, _noun, _qualifier, _chamber,
    )  # fmt: skip
    return [anchor for find in finders if (anchor := find(tokens, i))]


def _ejection_fraction(tokens: Tokens, i: int) -> Anchor | None:
    word, stop = tokens.word(i), 0
    if word in vocabulary.EF:
        stop = i + 1
    elif starts_ejection(word):
        second = i + 1 + (tokens.word(i + 1) == "-")
        stop = second + 1 if ends_fraction(tokens.word(second)) else 0
    if not stop:
        return None
    start = i
    while tokens.word(start - 1) in vocabulary.BEFORE_EF | {"-"}:
        start -= 1
    while tokens.word(start) == "-":
        start += 1
    return Anchor(start, stop, "named")


def _short(tokens: Tokens, i: int) -> Anchor | None:
    word = tokens.word(i)
    if word in vocabulary.HF_KINDS or word in vocabulary.SHORT:
        return Anchor(i, i + 1, "named")
    if word in vocabulary.SHORT_WITH_VALUE:
        return Anchor(i, i + 1, "valued")
    if word == "fractional" and tokens.word(i + 1).startswith("shorten"):
        return Anchor(i, i + 2, "named")
    halves = tokens.word(i + 1) == "-" and tokens.word(i + 2) in vocabulary.HF_HALVES
    return Anchor(i, i + 3, "named") if word == "hf" and halves else None


def _noun(tokens: Tokens, i: int) -> Anchor | None:
    word = tokens.word(i)
    if word not in vocabulary.NOUNS:
        return None
    start = i
    while start > i - _MOST_MODIFIERS and tokens.word(start - 1) in vocabulary.MODIFIERS:
        start -= 1
    while (start < i and not tokens.word(start).isalpha()) or tokens.word(start) == "and":
        start += 1
    before = {tokens.word(j) for j in range(start, i)}
    left = any(_is_left(tokens, j) for j in range(start, i))
    heads = before - {"left"} | ({"left"} if left else set())
    rights = before & vocabulary.RIGHT and not left
    if rights or ("diastolic" in before and "systolic" not in before):
        return None
    if heads & vocabulary.NOUNS[word] or word in vocabulary.BARE_NOUNS:
        return Anchor(start, i + 1, "named")
    stop = _of_chamber(tokens, i + 1)
    return Anchor(i, stop, "named") if stop else None


def _is_left(tokens: Tokens, i: int) -> bool:
    word = tokens.word(i)
    if word == "left":
        return tokens.word(i + 1 + (tokens.word(i + 1) == "-")).startswith("ventric")
    return word in vocabulary.LEFT


def _of_chamber(tokens: Tokens, i: int) -> int:
    """Return the place behind `of the left ventricle`, 0 where that does not stand at `i`."""
    if tokens.word(i) != "of":
        return 0
    i += 1 + (tokens.word(i + 1) == "the")
    if tokens.word(i) == "lv":
        return i + 1
    return i + 2 if _is_left(tokens, i) else 0


def _qualifier(tokens: Tokens, i: int) -> Anchor | None:
    """Return `systolic` before heart failure: the kind is masked, the disease stays."""
    if tokens.word(i) not in {"systolic", "diastolic"}:
        return None
    stop, last = i, i
    for stop in range(i + 1, i + 2 + _MOST_BETWEEN):
        word = tokens.word(stop)
        if word in {"systolic", "diastolic"}:
            last = stop
        elif word not in vocabulary.HF_BETWEEN:
            break
    failure = tokens.word(stop) == "heart" and tokens.word(stop + 1) == "failure"
    known = failure or tokens.word(stop) in vocabulary.HEART_FAILURE
    return Anchor(i, last + 1, "word") if known else None


def _chamber(tokens: Tokens, i: int) -> Anchor | None:
    if tokens.word(i) == "lv":
        return Anchor(i, i + 1, "described")
    return (
        Anchor(i, i + 2, "described") if tokens.word(i) == "left" and _is_left(tokens, i) else None
    )
