"""Words of a text, without the digits of its numbers."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W\d_]+|\d+")


def words(text: str) -> list[str]:
    """Return the text's words in lower case; numbers lose their digits.

    >>> words("EF 55 %, no Dyspnoea.")
    ['ef', '0', 'no', 'dyspnoea']
    """
    return ["0" if word[0].isdigit() else word for word in _WORD.findall(text.lower())]
