"""What the XML formats have in common: required texts and numbers, base64, equal lengths.

Tags may carry a namespace (`{urn:hl7-org:v3}series`); errors name them without it.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pybase64
from lxml import etree

from components.core.errors import RecordError, quoted

Element: TypeAlias = etree._Element  # pyright: ignore[reportPrivateUsage] - its only name

_AGAIN = "export the file again"
# What base64 is broken into lines with.
_SPACES = (b"\n", b"\r", b" ", b"\t")


def local(tag: str) -> str:
    """Return a tag without its namespace.

    >>> local("{urn:hl7-org:v3}series")
    'series'
    """
    return tag.rpartition("}")[2]


def text_of(element: Element, tag: str, *, default: str | None = None) -> str:
    """Return the stripped text of the child `tag`; `default` where there is none.

    Raises:
        RecordError: `missing_field`.
    """
    # Twice as fast as `findtext`, which takes any path.
    child = next(element.iterchildren(tag), None)
    text = "" if child is None else (child.text or "").strip()
    return text or _present(text, element, local(tag), default)


def attribute_of(element: Element, name: str, *, default: str | None = None) -> str:
    """Return the stripped attribute `name`; `default` where there is none.

    Raises:
        RecordError: `missing_field`.
    """
    return _present(str(element.get(name) or "").strip(), element, name, default)


def _present(found: str, element: Element, name: str, default: str | None) -> str:
    if found:
        return found
    if default is not None:
        return default
    raise _missing(element, name)


def _missing(element: Element, name: str) -> RecordError:
    reason = f"the element {local(str(element.tag))} has no {name}"
    return RecordError("missing_field", reason, field=name, advice=_AGAIN)


def child_of(element: Element, tag: str) -> Element:
    """Return the first child `tag`.

    Raises:
        RecordError: `missing_field`.
    """
    found = element.find(tag)
    if found is None:
        raise _missing(element, local(tag))
    return found


def number(text: str, field: str, *, limit: float = math.inf) -> float:
    """Return the finite number in `text`, at most `limit` in size.

    Raises:
        RecordError: `not_a_number`.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isfinite(value) and abs(value) <= limit:
        return value
    raise RecordError(
        "not_a_number",
        f"{field} is not a usable number",
        field=field,
        value=quoted(text),
        advice=_AGAIN,
    )


def check_root(root: Element, tag: str, format: str) -> None:
    """Refuse a document of another kind.

    Raises:
        RecordError: `wrong_root`.
    """
    if root.tag != tag:
        raise RecordError(
            "wrong_root",
            f"the XML's root element is not {local(tag)}",
            field="xml",
            value=quoted(local(str(root.tag))),
            advice=f"export the ECG as {format}",
        )


def unbase64(text: str, *, what: str, field: str) -> bytes:
    """Return the bytes in base64 `text`, which may be broken into lines.

    Raises:
        RecordError: `bad_base64`.
    """
    data = text.encode()
    for each in _SPACES:  # three times as fast as splitting or translating
        data = data.replace(each, b"")
    try:
        return pybase64.b64decode(data, validate=True)
    except ValueError:
        raise RecordError(
            "bad_base64", f"{what} is not valid base64", field=field, advice=_AGAIN
        ) from None


def check_lengths(
    values: list[npt.NDArray[np.int16]] | list[npt.NDArray[np.float64]],
    leads: tuple[str, ...],
    field: str,
) -> None:
    """Refuse leads of different length.

    Raises:
        RecordError: `length_mismatch`.
    """
    sizes = [each.size for each in values]
    if len(set(sizes)) > 1:
        odd = ", ".join(f"{lead} {size}" for lead, size in zip(leads, sizes, strict=True))
        raise wrong_length(f"the leads differ in length: {odd}", field=field, value=max(sizes))


def wrong_length(reason: str, *, field: str, value: float) -> RecordError:
    """Return the error for a waveform that is not as long as it should be."""
    return RecordError("length_mismatch", reason, field=field, value=value, advice=_AGAIN)
