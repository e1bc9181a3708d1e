"""The database of a study: SQLite on one machine, PostgreSQL for workers on several.

Whoever has it open can hold the study's lock, which is that of a file beside SQLite and of the
server for PostgreSQL: what must not be done by two workers at once is done under it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy
from optuna.storages import (
    BaseStorage,
    RDBStorage,
    RetryHeartbeatStaleTrialCallback,
    get_storage,
)
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from components.core.errors import ConfigError, StorageError
from components.core.files import storage_errors
from components.core.locks import locked
from components.train.tuning.quiet import quiet

# Signs of life that may fail to come before a trial's worker is taken for dead (TuneConfig).
MISSED = 3
# SQLite lets one process write at a time; the others wait this long (seconds) before they give up.
_BUSY_S = 120
_CONNECT_S = 10
# Two connections at rest per worker, one of them for the lock: 32 workers stay below PostgreSQL's
# default of 100. While the heart beats there is one more.
_POOL = {"pool_size": 1, "max_overflow": 2, "pool_pre_ping": True}
_POSTGRES = "postgresql+psycopg"


@dataclass(frozen=True)
class Opened:
    """An open storage.

    Attributes:
        storage: Optuna's.
        cached: the same, which does not read finished trials again; a study's own.
        lock: holds the lock of all workers of this database, on whatever machine.
        name: of the database for people, without user and password.
    """

    storage: RDBStorage
    cached: BaseStorage
    lock: Callable[[], AbstractContextManager[None]]
    name: str


def open_storage(url: str, file: Path, *, heartbeat_s: int, retries: int) -> Opened:
    """Return the study's database, made ready on first use by one process at a time.

    Args:
        url: of a PostgreSQL server (`postgresql://user:password@host/database`); empty for SQLite.
        file: of SQLite, where no URL is given.
        heartbeat_s: seconds between two signs of life of a running trial.
        retries: how often a trial is tried again whose worker has died.

    Raises:
        ConfigError: the URL is none, or of another kind of database.
        StorageError: the database does not answer, is of another version, or is no database.
    """
    if not url:
        return _sqlite(file, heartbeat_s, retries)
    return _postgres(_parsed(url), heartbeat_s, retries)


def _parsed(url: str) -> URL:
    try:
        found = make_url(url)
    except ArgumentError as error:  # not its message, which quotes the URL and its password
        raise ConfigError(
            "'tune.storage' is no URL; write postgresql://user:password@host/database"
        ) from error
    if found.drivername not in {"postgresql", "postgres", _POSTGRES}:
        raise ConfigError(
            f"'tune.storage' names a database of kind '{found.drivername}'; write "
            "postgresql://user:password@host/database, or nothing for an SQLite file under data/"
        )
    return found.set(drivername=_POSTGRES)


def _sqlite(file: Path, heartbeat_s: int, retries: int) -> Opened:
    beside = file.with_name(f".{file.name}.lock")

    @contextmanager
    def lock() -> Generator[None]:
        with locked(beside, None):
            yield

    options = {"connect_args": {"timeout": _BUSY_S}}
    url = f"sqlite:///{file}"
    with storage_errors("the folder of the study's database"):
        file.parent.mkdir(parents=True, exist_ok=True)
        with lock(), _told(file.name):
            _write_ahead(file)
            storage = _open(url, options, heartbeat_s, retries)

    # Against a power cut alone, not against a kill, is a flush per write a protection; it made up
    # four fifths of a trial's overhead. Write-ahead logging keeps the file whole without it.
    event.listen(storage.engine, "connect", _without_flush)
    storage.engine.dispose()
    return Opened(storage, get_storage(storage), lock, file.name)


def _without_flush(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")


def _write_ahead(file: Path) -> None:
    """Let readers and a writer not wait for each other; kept in the file."""
    try:
        connection = sqlite3.connect(file, timeout=_BUSY_S)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise _silent(file.name, error) from error


def _postgres(url: URL, heartbeat_s: int, retries: int) -> Opened:
    name = f"{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"
    # Heartbeats are compared without their time zone: all sessions must have the same one.
    arguments = {"connect_timeout": _CONNECT_S, "options": "-c timezone=UTC"}
    options: dict[str, Any] = {"connect_args": arguments, **_POOL}
    key = int.from_bytes(hashlib.sha256(b"cardio study").digest()[:8], signed=True)
    text = url.render_as_string(hide_password=False)
    engine = sqlalchemy.create_engine(text, **options)

    @contextmanager
    def lock() -> Generator[None]:
        # Of the transaction: the server releases it when the worker or its connection dies.
        with engine.begin() as connection:
            take = sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)")
            connection.execute(take, {"key": key})
            yield

    with _told(name), lock():
        storage = _open(text, options, heartbeat_s, retries)
    return Opened(storage, get_storage(storage), lock, name)


def _open(url: str, options: dict[str, Any], heartbeat_s: int, retries: int) -> RDBStorage:
    with quiet():
        return RDBStorage(
            # Optuna fills in a template: braces of a password are none of it.
            url.replace("{", "{{").replace("}", "}}"),
            engine_kwargs=options,
            heartbeat_interval=heartbeat_s,
            grace_period=MISSED * heartbeat_s,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(
                max_retry=retries, inherit_intermediate_values=False
            ),
        )


@contextmanager
def _told(name: str) -> Generator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise _silent(name, error) from error
    except RuntimeError as error:  # how Optuna says that the tables are of another version
        raise StorageError(
            f"the study's database '{name}' was made by another version of Optuna; run 'optuna "
            "storage upgrade' on it, or name another one"
        ) from error


def _silent(name: str, error: Exception) -> StorageError:
    return StorageError(
        f"the study's database '{name}' does not answer ({type(error).__name__}); start the server "
        "or correct 'tune.storage': what other trials came to is kept"
    )
