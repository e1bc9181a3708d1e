"""Where a laboratory's number lies in its reference range, as a word that TF-IDF can read.

TF-IDF does without the digits of numbers, so that of "Lactate 4.1 mmol/L (0.5–2.0)" it would read
that there was a lactate and not that it was high. The word stands first: with the first word of
what was measured it makes a term.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBER = r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
# A side may be missing beside a dash; beside a hyphen it would be a negative number.
_RANGE = re.compile(
    rf"\((?:(?P<lower>{_NUMBER})?\s?–\s?(?P<upper>{_NUMBER})?"
    rf"|(?P<least>{_NUMBER})\s?-\s?(?P<most>{_NUMBER}))\)"
)
_VALUE = re.compile(rf"(?:[<>]=?)?(?P<value>{_NUMBER})\*?")


def with_place(text: str) -> str:
    """Return an event's text with its place in the reference range in front, if both are told.

    Beyond the range by more than its width, the place is `far`.

    >>> with_place("Lactate 2.4 mmol/L (0.5–2.0) abnormal")
    'above Lactate 2.4 mmol/L (0.5–2.0) abnormal'
    >>> with_place("Potassium 4.1 mEq/L (3.5–5.0)"), with_place("Heparin IV 5000 UNIT")
    ('within Potassium 4.1 mEq/L (3.5–5.0)', 'Heparin IV 5000 UNIT')
    """
    found = _RANGE.search(text)
    value = None if found is None else _value(text[: found.start()])
    if found is None or value is None:
        return text
    lower = _number(found["lower"] or found["least"])
    upper = _number(found["upper"] or found["most"])
    width = upper - lower if lower is not None and upper is not None else float("inf")
    if upper is not None and value > upper:
        return f"{'far ' if value > upper + width else ''}above {text}"
    if lower is not None and value < lower:
        return f"{'far ' if value < lower - width else ''}below {text}"
    return text if lower is upper is None else f"within {text}"


def _value(text: str) -> float | None:
    """Return the last word that is a number and nothing else: names and units hold digits, too."""
    for word in reversed(text.split()):
        found = _VALUE.fullmatch(word)
        if found is not None:
            return _number(found["value"])
    return None


def _number(told: str | None) -> float | None:
    return None if told is None else float(told.replace(",", ""))


def with_places(texts: Sequence[str]) -> list[str]:
    """Return the texts as TF-IDF reads them."""
    return [with_place(text) for text in texts]
