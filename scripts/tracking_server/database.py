"""The PostgreSQL that is given by URL: read, tried, and shown without its password."""

from __future__ import annotations

from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from components.core.errors import ConfigError, StorageError

DRIVER = "postgresql+psycopg"
_TRY_SECONDS = 10


def read_url(given: str) -> URL:
    """Return a PostgreSQL URL with this project's driver.

    Raises:
        ConfigError: it is no URL, names another kind of database, or no database.
    """
    try:
        url = make_url(given)
    except ArgumentError as error:
        # Not the text itself, which may hold a password.
        raise ConfigError(
            "the database URL cannot be read; write postgresql://user:password@host:5432/database, "
            "with other characters than letters and digits in the password percent-encoded"
        ) from error
    if url.get_backend_name() != "postgresql":
        raise ConfigError(
            f"the database URL names '{url.get_backend_name()}', but the team's server keeps its "
            "runs in PostgreSQL; write postgresql://user:password@host:5432/database"
        )
    if not url.database:
        raise ConfigError(
            f"the database URL '{shown(url)}' names no database; write "
            "postgresql://user:password@host:5432/database"
        )
    return url.set(drivername=DRIVER)


def shown(url: URL) -> str:
    """Return a URL for messages: without password and options, which may hold one."""
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database)
    return bare.render_as_string()


def whole(url: URL) -> str:
    """Return a URL with its password, for the environment of a program or a private file."""
    return url.render_as_string(hide_password=False)


def try_database(url: URL) -> None:
    """Connect once.

    Raises:
        StorageError: the database does not answer.
        ConfigError: it holds an Optuna study, whose tables have MLflow's names.
    """
    engine = create_engine(url, connect_args={"connect_timeout": _TRY_SECONDS})
    try:
        with engine.connect() as connection:
            studies = connection.execute(text("SELECT to_regclass('studies')")).scalar_one()
    except SQLAlchemyError as error:
        raise StorageError(
            f"the database '{shown(url)}' does not let the server in ({type(error).__name__}); "
            "check that it runs, that the database exists, and user and password of the URL"
        ) from error
    finally:
        engine.dispose()
    if studies is not None:
        raise ConfigError(
            f"the database '{shown(url)}' holds Optuna studies, whose version table has the name "
            "of MLflow's; give each a database of its own"
        )
