"""A folder of MIMIC-IV through DuckDB, or a PostgreSQL that holds it, behind one face."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb
import psycopg
import pyarrow as pa

from components.core.data.mimic_iv_tables import TABLES, Table
from components.core.database import connected
from components.core.database_url import is_database
from components.core.engine import engine, relation, text, told
from components.core.errors import InputError
from components.ingest.sources.mimic_iv.columns import typed

Parameters = Mapping[str, float]
SUFFIXES = (".csv.gz", ".csv", ".parquet")
# Rows fetched at once.
_BATCH = 100_000
# Arrow's types of PostgreSQL's, by name: a column of one batch may be empty, and is no other then.
_TYPES: dict[str, pa.DataType] = {
    "int2": pa.int64(), "int4": pa.int64(), "int8": pa.int64(), "float8": pa.float64(),
    "text": pa.string(), "varchar": pa.string(), "bpchar": pa.string(),
    "timestamp": pa.timestamp("us"),
}  # fmt: skip


class Database(Protocol):
    """Something that answers SQL about MIMIC-IV's tables, under their schemas' names."""

    @property
    def collation(self) -> str:
        """Return the clause that orders texts by their bytes."""
        ...

    @property
    def unreadable(self) -> str:
        """Return the condition of a row `t` whose time is written, and is no time."""
        ...

    def batches(self, sql: str, parameters: Parameters) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a statement, streaming; `$name` stands for a parameter."""
        ...


@contextmanager
def open_database(
    path: Path | str, *, memory_gb: float, copied: bool = False
) -> Generator[Database]:
    """Open a folder with `hosp/` and `icu/`, or a `postgresql://` URL.

    Args:
        path: of the folder, or the URL.
        memory_gb: that DuckDB takes at most; beyond it sorts on disk.
        copied: read each file once, into a database in the folder for temporary files; else each
            statement reads its files anew.

    Raises:
        InputError: the folder is missing, lacks a table or a column, a file is damaged, or the
            database cannot be reached.
    """
    if is_database(str(path)):
        with connected(str(path)) as connection:
            for table in TABLES:
                _require(table, _columns(connection, table), table.qualified)
            yield Postgres(connection)
        return
    root = Path(path)
    if not root.is_dir():
        raise InputError(
            f"there is no folder '{root.name}'; name the folder of MIMIC-IV that holds hosp/ and "
            "icu/, or a postgresql:// URL"
        )
    with engine(memory_gb=memory_gb) as connection:
        if copied:
            _keep_on_disk(connection)
        for schema in sorted({table.schema for table in TABLES}):
            connection.execute(f"create schema {schema}")
        for table in TABLES:
            _enter(connection, table, root, "table" if copied else "view")
        yield Folder(connection)


@dataclass(frozen=True)
class Folder:
    """Files through DuckDB.

    Attributes:
        connection: with a view of every table.
        collation: DuckDB orders texts by their bytes.
        unreadable: the views of tables with a time have a column of it.
    """

    connection: duckdb.DuckDBPyConnection
    collation: str = ""
    unreadable: str = "t.unreadable_time"

    def batches(self, sql: str, parameters: Parameters) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a statement, streaming.

        Raises:
            InputError: a file is damaged, or the memory does not suffice.
        """
        with told("the folder of MIMIC-IV"):
            yield from self.connection.sql(sql, params=dict(parameters)).to_arrow_reader(_BATCH)


def _keep_on_disk(connection: duckdb.DuckDBPyConnection) -> None:
    """Make tables go into a database beside what is sorted, packed and not bound to memory."""
    ((spill,),) = connection.sql("select current_setting('temp_directory')").fetchall()
    connection.execute(f"attach {text(f'{spill}/tables.duckdb')} as copied")
    connection.execute("use copied")


def _enter(
    connection: duckdb.DuckDBPyConnection, table: Table, root: Path, kind: str
) -> None:  # fmt: skip
    """Make a table of a file, or a view onto it."""
    file = _file(table, root)
    rows = relation(file)
    with told(f"the table '{file.name}'"):
        have = connection.sql(f"from {rows}").columns
        _require(table, [name.lower() for name in have], file.name)
        connection.execute(f"create {kind} {table.qualified} as {typed(table, file, rows)}")


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
    missing = [name for name in table.columns if name not in have]
    if missing:
        raise InputError(
            f"the table '{where}' lacks the column(s) {', '.join(missing)}; take the table as "
            "MIMIC-IV gives it"
        )


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
        unreadable: its columns of times hold nothing else.
    """

    connection: psycopg.Connection[Any]
    collation: str = 'collate "C"'
    unreadable: str = "false"

    def batches(self, sql: str, parameters: Parameters) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a statement through a cursor of the server's."""
        named = re.sub(r"\$([a-z_]+)", r"%(\1)s", sql.replace("%", "%%"))
        with self.connection.cursor(name="mimic_iv") as cursor:
            cursor.execute(named.encode(), dict(parameters))
            described = cursor.description or ()
            names = [column.name for column in described]
            types = [self._type(column.type_code) for column in described]
            while rows := cursor.fetchmany(_BATCH):
                columns = zip(zip(*rows, strict=True), types, strict=True)
                yield pa.record_batch([pa.array(own, kind) for own, kind in columns], names=names)

    def _type(self, code: int) -> pa.DataType | None:
        known = self.connection.adapters.types.get(code)
        return _TYPES.get(known.name) if known else None
