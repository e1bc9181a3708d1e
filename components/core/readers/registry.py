"""Finds the readers beside this file and gives each raw file to the one that knows its content.

A reader is a module of `components.core.readers` with `NAME`, `sniff` and `read` (see `Reader`).
One more file format is one more file here.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Protocol, cast

from components.core import readers
from components.core.errors import ConfigError, RecordError, nearest
from components.core.readers.rawfile import RawFile
from components.core.signals.signal import Signal
from components.core.signals.units import check_signal


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What the manifest says of formats that cannot say it themselves; others ignore it.

    Attributes:
        fs: sampling rate in Hz.
        unit: unit of the values: V, mV, uV, nV, or z for standardised ones.
        leads: lead names in the order of the file's columns.
        key: name of the variable that holds the signal, where a file has several.
        decimal: decimal mark of numbers in text, `.` or `,`.
    """

    fs: float | None = None
    unit: str | None = None
    leads: tuple[str, ...] | None = None
    key: str | None = None
    decimal: str = "."


# The signatures of the usual formats (PNG, GIF, ZIP, PDF) take four to eight bytes.
_MAGIC_BYTES = 4


class Reader(Protocol):
    """What a reader module holds."""

    NAME: str

    def sniff(self, head: bytes, name: str) -> bool:
        """Return whether a file that starts with `head` is of this format."""
        ...

    def read(self, raw: RawFile, declared: Declared) -> Signal:
        """Return the recording; a `RecordError` says why there is none."""
        ...


@cache
def readers_by_name() -> Mapping[str, Reader]:
    """Return every reader module by its NAME, in alphabetical order.

    Raises:
        ConfigError: two modules have the same NAME.
    """
    found: dict[str, Reader] = {}
    for info in pkgutil.iter_modules(readers.__path__):
        module = importlib.import_module(f"{readers.__name__}.{info.name}")
        if not all(hasattr(module, each) for each in ("NAME", "sniff", "read")):
            continue
        reader = cast(Reader, module)
        if reader.NAME in found:
            raise ConfigError(f"two readers are named '{reader.NAME}'; rename one of them")
        found[reader.NAME] = reader
    return MappingProxyType(dict(sorted(found.items())))


def read_signal(
    raw: RawFile, declared: Declared | None = None, *, format: str | None = None
) -> Signal:
    """Return the recording in `raw`, its format recognised by content.

    Args:
        raw: the file.
        declared: what the manifest declares.
        format: a reader's NAME, to skip recognition.

    Raises:
        RecordError: `unknown_format`, `ambiguous_format`, or the reader's own reason.
        ConfigError: `format` names no reader.
    """
    known = readers_by_name()
    if format is not None and format not in known:
        raise ConfigError(f"no reader is named '{format}'; {nearest(format, known)}")
    reader = known[format] if format is not None else recognise(raw)
    return check_signal(reader.read(raw, declared or Declared()))


def recognise(raw: RawFile) -> Reader:
    """Return the one reader that knows the file's content.

    Raises:
        RecordError: `unknown_format`, `ambiguous_format`.
    """
    known = readers_by_name()
    head = raw.head()
    matches = [reader for reader in known.values() if reader.sniff(head, raw.name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        names = ", ".join(reader.NAME for reader in matches)
        raise RecordError(
            "ambiguous_format",
            f"the file could be any of {names}",
            field="format",
            advice="declare its format",
        )
    raise RecordError(
        "unknown_format",
        f"no reader recognises the file; formats tried: {', '.join(known)}",
        field="format",
        value=_magic(head),
        advice="convert the file to one of these (of a WFDB record, name the .hea file)",
    )


def _magic(head: bytes) -> str:
    """Return the first bytes in hexadecimal where they are no text, which might be a name."""
    first = head[:_MAGIC_BYTES]
    return "" if first.isascii() and first.decode("ascii").isprintable() else first.hex()
