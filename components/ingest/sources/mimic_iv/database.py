"""A folder of MIMIC-IV through DuckDB, or a PostgreSQL that holds it, behind one face."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import duckdb
import psycopg
import pyarrow as pa

from components.core.errors import InputError
from components.ingest.sources.mimic_iv.layout import TABLES, Table

Parameters = Mapping[str, int]
SUFFIXES = (".csv.gz", ".csv", ".parquet")
# Rows fetched at once.
_BATCH = 100_000


class Database(Protocol):
    """Something that answers SQL about MIMIC-IV's tables, under their schemas' names.

    Attributes:
        collation: clause that orders texts by their bytes.
    """

    collation: str

    def batches(self, sql: str, parameters: Parameters) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a statement, streaming; `$name` stands for a parameter."""
        ...


@contextmanager
def open_database(path: str, *, memory_gb: float) -> Generator[Database]:
    """Open a folder with `hosp/` and `icu/`, or a `postgresql://` URL.

    Args:
        path: of the folder, or the URL.
        memory_gb: that DuckDB takes at most; beyond it sorts on disk.

    Raises:
        InputError: the folder is missing, lacks a table or a column, or the database cannot be
            reached.
    """
    if re.match(r"postgres(ql)?://", path):
        with _connected(path) as connection:
            yield Postgres(connection)
        return
    root = Path(path).expanduser()
    if not root.is_dir():
        raise InputError(
            f"there is no folder '{root.name}'; name the folder of MIMIC-IV that holds hosp/ and "
            "icu/, or a postgresql:// URL"
        )
    with duckdb.connect() as connection:
        connection.execute("set memory_limit = $1", [f"{memory_gb:g}GB"])
        connection.execute("set preserve_insertion_order = false")
        for schema in sorted({table.schema for table in TABLES}):
            connection.execute(f"create schema {schema}")
        for table in TABLES:
            _view(connection, table, root)
        yield Folder(connection)


@dataclass(frozen=True)
class Folder:
    """Files through DuckDB.

    Attributes:
        connection: with a view of every table.
        collation: DuckDB orders texts by their bytes.
    """

    connection: duckdb.DuckDBPyConnection
    collation: str = ""

    def batches(self, sql: str, parameters: Parameters) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a statement, streaming."""
        yield from self.connection.sql(sql, params=dict(parameters)).to_arrow_reader(_BATCH)


def _view(connection: duckdb.DuckDBPyConnection, table: Table, root: Path) -> None:
    file = _file(table, root)
    rows = _rows(file)
    have = connection.execute(f"select * from {rows} limit 0", [str(file)]).description or []
    _require(table, [str(column[0]) for column in have], file.name)
    columns = ", ".join(f'try_cast("{n}" as {kind}) as "{n}"' for n, kind in table.columns.items())
    # A view cannot hold a bound value; the file's own name is quoted as SQL asks for.
    quoted = rows.replace("$1", "'" + str(file).replace("'", "''") + "'")
    connection.execute(f"create view {table.qualified} as select {columns} from {quoted}")


def _rows(file: Path) -> str:
    if file.suffix == ".parquet":
        return "read_parquet($1)"
    # Everything as text: a column of a small table may hold numbers in one release and not in all.
    return "read_csv($1, header = true, all_varchar = true)"


def _file(table: Table, root: Path) -> Path:
    found = [root / table.folder / f"{table.name}{suffix}" for suffix in SUFFIXES]
    there = [file for file in found if file.is_file()]
    if not there:
        raise InputError(
            f"'{table.folder}/{table.name}' is missing from the folder '{root.name}' (as "
            f"{', '.join(SUFFIXES)}); give the folder of MIMIC-IV that holds hosp/ and icu/"
        )
    return there[0]


def _require(table: Table, have: Sequence[str], where: str) -> None:
    """Raise where a column is missing; MIMIC-IV writes some in capitals."""
    known = {name.lower() for name in have}
    missing = [name for name in table.columns if name not in known]
    if missing:
        raise InputError(
            f"the table '{where}' lacks the column(s) {', '.join(missing)}; it has "
            f"{', '.join(have)}"
        )


@contextmanager
def _connected(url: str) -> Generator[psycopg.Connection[Any]]:
    parts = urlsplit(url)
    try:
        connection = psycopg.connect(url)
    except psycopg.Error as error:
        # The driver's own words may repeat the password.
        raise InputError(
            f"the database '{parts.path.lstrip('/')}' at {parts.hostname} cannot be reached; "
            "check the URL, the user's rights and whether the server runs"
        ) from error
    with connection:
        for table in TABLES:
            _require(table, _columns(connection, table), table.qualified)
        yield connection


def _columns(connection: psycopg.Connection[Any], table: Table) -> list[str]:
    rows = connection.execute(
        "select column_name from information_schema.columns "
        "where table_schema = %s and table_name = %s order by ordinal_position",
        (table.schema, table.name),
    ).fetchall()
    if not rows:
        raise InputError(
            f"the database has no table '{table.qualified}' that this user may read; load MIMIC-IV "
            "under the schemas mimiciv_hosp and mimiciv_icu"
        )
    return [str(row[0]) for row in rows]


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL that holds MIMIC-IV under its own schemas.

    Attributes:
        connection: open, with the right to read.
        collation: orders texts by their bytes, whatever the database's language.
    """

    connection: psycopg.Connection[Any]
    collation: str = 'collate "C"'

    def batches(self, sql: str, parameters: Parameters) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a statement through a cursor of the server's."""
        named = re.sub(r"\$([a-z_]+)", r"%(\1)s", sql.replace("%", "%%"))
        with self.connection.cursor(name="mimic_iv") as cursor:
            cursor.execute(named.encode(), dict(parameters))
            names = [column.name for column in cursor.description or ()]
            while rows := cursor.fetchmany(_BATCH):
                columns = zip(*rows, strict=True)
                yield pa.record_batch([pa.array(own) for own in columns], names=names)
