"""The table of a batch: its columns held to what the model takes, its rows in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from components.core import tables
from components.core.errors import InputError
from components.core.schemas import PATH_COLUMNS

# As a manifest names the file of an ECG, and as a request to a served model does.
ECG_COLUMN = "ecg_path"
_ECG_COLUMNS = (ECG_COLUMN, *PATH_COLUMNS)
# As many rows as the networks are asked about at once (`components.core.bundle.AT_ONCE`), without
# importing what asks them.
CHUNK = 32
Line = tuple[int, tables.Row]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table that can be answered.

    Attributes:
        path: of it.
        column: that names the ECG's file; empty without ECG.
        width: how many columns there are.
        count: of its rows.
    """

    path: Path
    column: str
    width: int
    count: int

    def chunks(self) -> Iterator[tuple[int, list[Line]]]:
        """Yield the number of a chunk's first row, from 1, and its rows with their lines."""
        rows = tables.open_table(self.path)[1]
        first = 1
        while some := list(islice(rows, CHUNK)):
            yield first, some
            first += len(some)


def opened(path: Path, columns: Sequence[str], most: int) -> Table:
    """Return a table whose columns are those that a model takes; others are not looked at.

    Args:
        path: of it.
        columns: that must be there, `ecg_path` under any of its names.
        most: rows.

    Raises:
        InputError: it cannot be read, lacks a column, or has no row or too many.
    """
    header, rows = tables.open_table(path)
    wanted = [name for name in columns if name != ECG_COLUMN]
    tables.require(header, wanted, path.name)
    found = [name for name in _ECG_COLUMNS if name in header]
    if ECG_COLUMN in columns and len(found) != 1:
        raise InputError(
            f"the table has {len(found)} of the columns {', '.join(_ECG_COLUMNS)}; the model takes "
            "an ECG, name its file in one of them"
        )
    count = sum(1 for _ in islice(rows, most + 1))
    if not 1 <= count <= most:
        many = f"more than {most:,}" if count else "no"
        raise InputError(f"the table has {many} rows; send 1 to {most:,}")
    column = found[0] if ECG_COLUMN in columns else ""
    return Table(path=path, column=column, width=len(header), count=count)
