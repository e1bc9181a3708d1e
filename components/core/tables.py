"""Reading delimited text as rows of strings: encoding, byte-order mark and line ends told apart."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO, cast

from components.core.errors import InputError, RecordError, close

Row = dict[str, str | None]
# How like a missing column's name another must be to be repeated: `Label` is, a cell is not.
_NEAR = 0.75
# A cell may hold a patient's notes of years (MIMIC-IV's longest discharge summary has 60,000
# characters); the csv module stops at 131,072, and a quotation mark left open must still end.
_LONGEST_CELL = 1 << 20
# What a damaged or cut gzip file raises.
_PACKED = (EOFError, gzip.BadGzipFile, zlib.error)


def allow_long_cells() -> None:
    """Let the csv module read cells that hold whole notes."""
    csv.field_size_limit(_LONGEST_CELL)


def _open(path: Path) -> TextIO:
    if path.suffix.lower() == ".gz":
        # Text mode is what "rt" asks for; the stub cannot tell.
        return cast(TextIO, gzip.open(path, "rt", encoding="utf-8-sig", newline=""))
    return path.open(encoding="utf-8-sig", newline="")


def open_table(path: Path, *, separator: str = ",") -> tuple[list[str], Iterator[tuple[int, Row]]]:
    """Return the header and an iterator over (line number, row); `.gz` is unpacked on the way.

    Raises:
        InputError: no such file, a folder, an empty file, not UTF-8, a name twice in the header, a
            damaged gzip file, a header that is no line of cells.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"the table '{path}' {what}; correct the 'path' parameter")
    allow_long_cells()
    try:
        with _open(path) as stream:
            header = next(csv.reader(stream, delimiter=separator), [])
    except UnicodeDecodeError as error:
        raise InputError(
            f"the table '{path.name}' is not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from error
    except csv.Error as error:
        raise InputError(
            f"the header of the table '{path.name}' cannot be read: {_why(error)}"
        ) from error
    except _PACKED as error:
        raise _damaged(path) from error
    _check_header(header, path.name, separator)
    return header, _rows(path, header, separator)


def _check_header(header: list[str], name: str, separator: str) -> None:
    if not header:
        raise InputError(f"the table '{name}' is empty; it needs a header line")
    counts = Counter(header)
    twice = [str(i + 1) for i, c in enumerate(header) if counts[c] > 1]
    if twice:
        raise InputError(
            f"the table '{name}' has the same name over the columns {', '.join(twice)}; rename them"
        )
    if len(header) == 1 and any(mark in header[0] for mark in ";\t,"):
        raise InputError(
            f"the table '{name}' has one column when split at '{separator}', though its header "
            f"holds other marks; save it with '{separator}' between the cells, or declare "
            "'separator' where the source has this option"
        )


def _rows(path: Path, header: list[str], separator: str) -> Iterator[tuple[int, Row]]:
    with _open(path) as stream:
        reader = csv.reader(stream, delimiter=separator)
        next(reader)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (UnicodeDecodeError, csv.Error) as error:
                raise InputError(
                    f"the table '{path.name}' cannot be read after line {reader.line_num}: "
                    f"{_why(error)}"
                ) from error
            except _PACKED as error:
                raise _damaged(path) from error
            if cells:
                padded: list[str | None] = [*cells, *[None] * (len(header) - len(cells))]
                yield reader.line_num, dict(zip([*header, *_spare(cells, header)], padded,
                                                strict=False))  # fmt: skip


def _damaged(path: Path) -> InputError:
    return InputError(f"the table '{path.name}' is no whole gzip file; copy it again")


def _why(error: Exception) -> str:
    """Return the reason without a byte of the table."""
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def _spare(cells: Sequence[str], header: Sequence[str]) -> list[str]:
    return [f"(cell {i + 1})" for i in range(len(header), len(cells))]


def check_width(row: Row, header: Sequence[str]) -> None:
    """Refuse a row with more or fewer cells than the header has."""
    if len(row) != len(header) or None in row.values():
        filled = sum(value is not None for value in row.values())
        raise RecordError(
            "row_width",
            f"the row has {filled} cells, the header {len(header)}",
            advice="quote cells that hold the separator",
        )


def require(header: Sequence[str], columns: Sequence[str], name: str) -> None:
    """Refuse a table without the named columns.

    The message goes to logs and tags, and the first line of a table without a header is a patient:
    only a name much like a missing one is repeated.
    """
    missing = [c for c in columns if c and c not in header]
    if missing:
        hints = [f"'{found}' is near" for c in missing if (found := close(c, header, cutoff=_NEAR))]
        raise InputError(
            f"the table '{name}' lacks the column(s) {', '.join(missing)}; "
            + "".join(f"{hint}, " for hint in hints)
            + f"it has {len(header)} columns, which 'inspect' lists"
        )
