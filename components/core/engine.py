"""DuckDB over a hospital's own tables: opened, bounded in memory, its errors in one sentence."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from components.core import tables
from components.core.errors import InputError


@contextmanager
def engine(*, memory_gb: float) -> Generator[duckdb.DuckDBPyConnection]:
    """Open an empty database in memory that sorts on disk what does not fit.

    Args:
        memory_gb: that it takes at most.
    """
    with tempfile.TemporaryDirectory(prefix="sort-") as spill, duckdb.connect() as connection:
        connection.execute("set memory_limit = $1", [f"{memory_gb:g}GB"])
        connection.execute("set temp_directory = $1", [spill])
        connection.execute("set preserve_insertion_order = false")
        # Nothing is to be installed, loaded or fetched on the way.
        connection.execute("set autoinstall_known_extensions = false")
        yield connection


def relation(file: Path) -> str:
    """Return what stands for a file in SQL, its columns as text where it is a CSV.

    Nothing of how a CSV is written is guessed: cells are parted by commas and quoted by `"`. A view
    cannot hold a bound value: names are quoted as SQL asks for.

    Raises:
        InputError: a CSV is empty, is not UTF-8, is damaged, or has a name twice in its header.
    """
    if file.suffix == ".parquet":
        return f"read_parquet({text(str(file))})"
    header, _ = tables.open_table(file)
    columns = ", ".join(f"{text(name)}: 'varchar'" for name in header)
    return (
        f"read_csv({text(str(file))}, header = true, auto_detect = false, delim = ',', "
        f"quote = '\"', escape = '\"', columns = {{{columns}}})"
    )


def text(value: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


@contextmanager
def told(what: str) -> Generator[None]:
    """Turn an error of DuckDB into one sentence without the rows that it quotes.

    Args:
        what: was read.

    Raises:
        InputError: in its place.
    """
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise InputError(
            f"{what} does not fit into the memory that is allowed; raise memory_gb in the "
            "source's options"
        ) from error
    except duckdb.Error as error:
        said = str(error)
        if os.strerror(errno.ENOSPC) in said:
            raise InputError(
                f"the folder for temporary files has no room left for {what}; set TMPDIR to a "
                "folder on a disk with more"
            ) from error
        file = re.search(r"([\w.-]+\.(?:csv\.gz|csv|parquet))\b", said)
        line = re.search(r"on Line: (\d+)", said)
        where = f" at line {line[1]}" if line else ""
        which = f" ('{file[1]}'{where})" if file else where
        raise InputError(
            f"{what} cannot be read{which}: it is damaged, or no comma-separated UTF-8 table with "
            "as many cells in every row; mend that file"
        ) from error
