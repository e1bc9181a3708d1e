"""What is sent to a process that computes, and what it answers with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.core.readers.rawfile import MemoryFile

# Parts of a request that are files, in the order of the page.
ECG, IMAGE, SOUND = "ecg", "ecg_image", "pcg"
FILES = (ECG, IMAGE, SOUND)
DECIMALS = (".", ",")
# A file's own name may be the patient's; of it only the ending is looked at (a WFDB header).
_LONGEST_ENDING = 8


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A model to be asked.

    Attributes:
        folder: of its bundle.
        text_encoder: folder of the frozen encoder of notes or events; empty without one.
    """

    folder: str
    text_encoder: str = ""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file of a request.

    Attributes:
        ending: of its name, with the dot; empty without one.
        content: its bytes.
    """

    ending: str
    content: bytes

    def file(self) -> MemoryFile:
        """Return it as readers take it, under a name that says nothing of the patient."""
        return MemoryFile(f"upload{self.ending}", self.content)


@dataclass(frozen=True, kw_only=True)
class Order:
    """One patient to be answered for.

    Attributes:
        bundle: that is asked.
        fields: clinical fields, declarations, notes, embeddings and events by name.
        files: part → files.
        draw: with pictures of what was read.
    """

    bundle: Bundle
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    files: Mapping[str, Sequence[Upload]] = field(default_factory=dict[str, Sequence[Upload]])
    draw: bool = False


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Some rows of a batch.

    Attributes:
        bundle: that is asked.
        first: number of the first row; rows count from 1, the header and empty lines not among
            them.
        lines: of the table's file at which each row ends; the header is line 1.
        rows: column → cell.
        width: how many columns the header has.
        folder: of the unpacked files.
        column: that names the ECG's file; empty without ECG.
        refused: why none of them is answered; empty where they are.
    """

    bundle: Bundle
    first: int
    lines: Sequence[int]
    rows: Sequence[Mapping[str, str | None]]
    width: int
    folder: str
    column: str
    refused: str = ""


def ending_of(name: str | None) -> str:
    """Return a file name's ending in lower case, empty where there is none or an odd one.

    >>> ending_of("Miller, John.HEA"), ending_of("a.very-long-ending"), ending_of(None)
    ('.hea', '', '')
    """
    _, dot, ending = (name or "").rpartition(".")
    plain = ending.isascii() and ending.isalnum() and len(ending) <= _LONGEST_ENDING
    return f".{ending.lower()}" if dot and plain else ""


@dataclass(frozen=True, kw_only=True)
class Done:
    """Some rows of a batch, answered.

    Attributes:
        header: line of CSV that names the columns.
        lines: one line of CSV per row.
        count: of the rows.
        refused: rows that could not be answered.
        abstained: rows that the model abstained from.
    """

    header: str
    lines: str
    count: int
    refused: int
    abstained: int
