"""A database named by a URL: no password in it, its digest, and errors without the user's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from components.core import database
from components.core.config.base import validate
from components.core.config.sections import IngestConfig
from components.core.data.mimic_iv_tables import TABLES
from components.core.data.raw import raw_digest
from components.core.database import connected, database_digest
from components.core.database_url import without_password
from components.core.errors import ConfigError, InputError
from tests.postgres import Postgres, postgres

__all__ = ["postgres"]
URL = "postgresql://somebody@localhost:5432/mimic"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:word@host/db", "postgres://me:word@host/db", "postgresql://me:@host/db",
        "postgresql://me@host/db?password=word", "postgresql://host/db?p%61ssword=word",
        "postgresql://host/db?sslpassword=word",
    ],
)  # fmt: skip
def test_a_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match=r"URL with a password.*PGPASSWORD or write it") as raised:
        validate(IngestConfig, {"path": url}, "ingest")
    assert "word@" not in str(raised.value)
    assert "=word" not in str(raised.value)


@pytest.mark.parametrize("path", [URL, "postgresql:///db", "/data/a:b@c", ""])
def test_other_paths_pass_as_they_are(path: str) -> None:
    assert without_password(path) == path
    assert IngestConfig(path=path).path == path


class _Fake:
    """Answers like a connection; remembers what it was asked."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.asked: list[str] = []
        self.read_only = False
        self.isolation_level = None

    def execute(self, statement: Any) -> _Fake:
        self.asked.append(statement.as_string())
        return self

    def fetchone(self) -> tuple[int]:
        return (self.rows,)


def _digest(monkeypatch: pytest.MonkeyPatch, url: str, rows: int = 5) -> tuple[str, _Fake]:
    fake = _Fake(rows)

    @contextmanager
    def connect(url: str) -> Iterator[_Fake]:
        del url
        yield fake

    monkeypatch.setattr(database.psycopg, "connect", connect)
    return raw_digest(url, {}), fake


def test_the_digest_is_of_place_and_extent_not_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, asked = _digest(monkeypatch, URL)
    assert asked.read_only
    assert len(asked.asked) == len(TABLES)
    lab = next(each for each in asked.asked if '"labevents"' in each)
    assert lab == (
        'select count(*), max("charttime"), max("storetime") from "mimiciv_hosp"."labevents"'
    )
    assert _digest(monkeypatch, URL.replace("somebody", "other"))[0] == plain
    others = [
        _digest(monkeypatch, URL.replace("localhost", "elsewhere"))[0],
        _digest(monkeypatch, f"{URL}2")[0],
        _digest(monkeypatch, URL, rows=6)[0],
    ]
    assert len({plain, *others}) == 4


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (psycopg.OperationalError("somebody may not"), "'mimic' at localhost cannot be reached;"),
        (psycopg.errors.InsufficientPrivilege("somebody"), "refuses .*SQLSTATE 42501"),
        (psycopg.ProgrammingError("somebody"), r"refuses .*SQLSTATE ProgrammingError"),
    ],
)
def test_errors_say_what_to_do_and_not_who(error: psycopg.Error, sentence: str,
                                           monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    def refuse(url: str) -> None:
        raise error

    monkeypatch.setattr(database.psycopg, "connect", refuse)
    with pytest.raises(InputError, match=sentence) as raised, connected(URL):
        pass
    assert "somebody" not in str(raised.value)


def test_a_url_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be read; write it as postgresql://user@host"):
        database_digest("postgresql://host:5432:1/db?nothing")


def test_a_real_server_is_read_only(postgres: Postgres) -> None:
    url = postgres.create("readonly")
    with pytest.raises(InputError, match=r"'readonly' at 127.0.0.1 refuses .*SQLSTATE 25006"):
        with connected(url) as connection:
            connection.execute("create table one (two int)")
    with pytest.raises(InputError, match=r"refuses what it was asked \(SQLSTATE 42P01\)"):
        raw_digest(url, {})
