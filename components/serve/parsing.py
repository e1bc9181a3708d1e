"""JSON of a request: no name twice, no NaN, no number or letter that no reader could take."""

from __future__ import annotations

import json
from typing import Any

# Above 2^53 a whole number is rounded on its way to the networks anyway.
_MOST_DIGITS = 15


def parsed(text: str) -> object:
    """Return what a text says as JSON; whole numbers of more than 15 digits as float.

    Raises:
        ValueError: it is no JSON, too deep, or holds NaN, a name twice or half a letter.

    >>> parsed('{"age": 61}')
    {'age': 61}
    """
    try:
        found: object = json.loads(
            text, parse_constant=_refused, parse_int=_number, object_pairs_hook=_once
        )
    except RecursionError as error:
        raise ValueError("too deep") from error
    if "\\u" in text:
        # A lone surrogate can be written in JSON alone, and in nothing that it is handed on to.
        json.dumps(found, ensure_ascii=False).encode()
    return found


def _refused(text: str) -> object:
    raise ValueError(text)


def _number(text: str) -> float:
    return int(text) if len(text) <= _MOST_DIGITS else float(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found
