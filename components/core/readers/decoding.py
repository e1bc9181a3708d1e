"""Text out of bytes: byte-order marks honoured, nothing replaced or dropped."""

from __future__ import annotations

import codecs
from functools import lru_cache

from components.core.errors import RecordError

# UTF-32's mark begins with UTF-16's, so it comes first.
_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding_of(data: bytes) -> str:
    """Return the encoding that a byte-order mark names, or UTF-8 without one."""
    return next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")


def decode(data: bytes, *, otherwise: str | None = None) -> str:
    """Return `data` as text.

    Args:
        data: bytes, with or without a byte-order mark.
        otherwise: an 8-bit encoding for what is not UTF-8, where the format allows it.

    Raises:
        RecordError: `not_text`.
    """
    encoding = encoding_of(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        if otherwise is not None and encoding == "utf-8":
            return data.decode(otherwise)
        raise RecordError(
            "not_text",
            f"the file is not {encoding} text",
            field="encoding",
            value=encoding,
            advice="save it as UTF-8",
        ) from None


@lru_cache(maxsize=1)  # every reader asks for the same head in turn
def peek(head: bytes) -> str:
    """Return the start of a file as text for recognition; bytes that are no text become U+FFFD."""
    return head.decode(encoding_of(head), errors="replace")
