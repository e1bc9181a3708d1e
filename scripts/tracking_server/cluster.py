"""PostgreSQL's own folder, its roles and databases: made where they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from components.core.errors import StorageError
from components.core.progress import say
from scripts.tracking_server.child import as_user
from scripts.tracking_server.place import Place, write_private

if TYPE_CHECKING:
    import psycopg

HOST = "127.0.0.1"
SUPERUSER = "postgres"
# Database and role of the same name. The studies have their own: Optuna's version table has the
# name of MLflow's, and a worker that knows its password must not reach the runs behind MLflow.
TRACKING, STUDIES = "mlflow", "studies"


def plain_environment() -> dict[str, str]:
    """Return the environment of PostgreSQL's programs: nothing of the caller's but the path."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def make_cluster(place: Place, binaries: Path, user: str | None) -> Path:
    """Return the database folder; it appears whole or not at all."""
    own = as_user(user)
    place.database.mkdir(parents=True, exist_ok=True, mode=0o700)
    if own:
        os.chown(place.database, *own)
    cluster = place.database / "cluster"
    if not cluster.exists():
        say(f"server: making a PostgreSQL database under {place.database}")
        fresh = place.database / "cluster.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        _initdb(place, binaries, fresh, own)
        fresh.rename(cluster)
    return cluster


def _initdb(place: Place, binaries: Path, fresh: Path, own: tuple[int, int] | None) -> None:
    password = place.database / "password"
    write_private(password, place.secret("postgres_password") + "\n")
    if own:
        os.chown(password, *own)
    command = [
        str(binaries / "initdb"), "-D", str(fresh), "-U", SUPERUSER, "--auth=scram-sha-256",
        f"--pwfile={password}", "--encoding=UTF8", "--locale=C",
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, env=plain_environment(), capture_output=True, text=True, check=False, cwd="/",
            user=own[0] if own else None, group=own[1] if own else None,
            extra_groups=[] if own else None,
        )  # fmt: skip
    finally:
        password.unlink()
    if done.returncode:
        said = " ".join(done.stderr.split("\n")[0].split())
        raise StorageError(
            f"PostgreSQL cannot make its folder '{fresh}' ({said}); its user must be able to reach "
            "and write the data folder, or set CARDIO_DATA"
        )


def answers(place: Place, port: int) -> bool:
    """Return whether PostgreSQL takes connections.

    Raises:
        StorageError: it does, but it does not know the server's password.
    """
    import psycopg

    try:
        _connect(place, port).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" not in str(error):
            return False  # it is still starting
        raise StorageError(
            f"the PostgreSQL on {HOST}:{port} does not know the password in '{place.secrets}'; put "
            f"back the folder that belongs to '{place.database}'"
        ) from error
    return True


def make_databases(place: Place, port: int) -> None:
    """Make roles and databases where they are missing, with the passwords in the secrets."""
    with _connect(place, port) as connection:
        for name in (TRACKING, STUDIES):
            _make_database(connection, name, place.secret(f"{name}_password"))


def _connect(place: Place, port: int) -> psycopg.Connection:
    import psycopg

    return psycopg.connect(
        host=HOST, port=port, user=SUPERUSER, password=place.secret("postgres_password"),
        dbname="postgres", autocommit=True,
    )  # fmt: skip


def _make_database(connection: psycopg.Connection, name: str, password: str) -> None:
    """Make role and database where missing; set the password, of which only a hash is sent."""
    from psycopg import sql

    hashed = connection.pgconn.encrypt_password(
        password.encode(), name.encode(), b"scram-sha-256"
    ).decode()
    role, found = sql.Identifier(name), "SELECT 1 FROM {} WHERE {} = %s"
    roles = sql.SQL(found).format(sql.Identifier("pg_roles"), sql.Identifier("rolname"))
    verb = "ALTER" if connection.execute(roles, [name]).fetchone() else "CREATE"
    connection.execute(
        sql.SQL(f"{verb} ROLE {{}} LOGIN PASSWORD {{}}").format(role, sql.Literal(hashed))
    )
    databases = sql.SQL(found).format(sql.Identifier("pg_database"), sql.Identifier("datname"))
    if not connection.execute(databases, [name]).fetchone():
        connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(role))
    # Anyone may connect to a fresh database; the other one's role must not.
    connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(role))
