"""Databases that a `postgresql://` URL names in place of a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from components.core.data.mimic_iv_tables import TABLES, TIME, Table
from components.core.errors import InputError


@contextmanager
def connected(url: str) -> Generator[psycopg.Connection[Any]]:
    """Open a connection that only reads, and sees one moment of the database throughout.

    Raises:
        InputError: the database cannot be reached, or does not answer what it is asked.
    """
    told = _told(url)
    where = f"'{told.get('dbname', '')}' at {told.get('host', 'this machine')}"
    try:
        with psycopg.connect(url) as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            yield connection
    except psycopg.OperationalError as error:
        # The driver's own words may repeat user and password.
        raise InputError(
            f"the database {where} cannot be reached; check the URL, the password (PGPASSWORD "
            "or ~/.pgpass) and whether the server runs"
        ) from error
    except psycopg.Error as error:
        what = error.sqlstate or type(error).__name__
        raise InputError(
            f"the database {where} refuses what it was asked (SQLSTATE {what}); check that "
            "its tables are MIMIC-IV's and that the user may read them"
        ) from error


def database_digest(url: str) -> str:
    """Return the sha256 of what a database holds, as far as it can be told without reading all.

    It covers host, port and name of the database, not the user; of each of MIMIC-IV's tables that
    are read the number of rows and the newest time in each of its columns of times. A changed value
    in a row that stays is not seen.

    Raises:
        InputError: the database cannot be reached, or lacks a table.
    """
    told = _told(url)
    total = hashlib.sha256(repr([told.get(key) for key in ("host", "port", "dbname")]).encode())
    with connected(url) as connection:
        for table in TABLES:
            row = connection.execute(_extent(table)).fetchone()
            total.update(repr((table.qualified, row)).encode())
    return total.hexdigest()


def _extent(table: Table) -> sql.Composed:
    times = [name for name, kind in table.columns.items() if kind == TIME]
    newest = [sql.SQL(", max({})").format(sql.Identifier(name)) for name in times]
    place = sql.Identifier(table.schema, table.name)
    return sql.SQL("select count(*){} from {}").format(sql.Composed(newest), place)


def _told(url: str) -> dict[str, Any]:
    """Return what a URL says, key by key."""
    try:
        return dict(conninfo_to_dict(url))
    except psycopg.Error as error:
        raise InputError(
            "the URL of the database cannot be read; write it as postgresql://user@host:5432/name"
        ) from error
