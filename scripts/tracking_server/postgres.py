"""A PostgreSQL of the server's own: made once, reached through 127.0.0.1 with passwords only."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from pathlib import Path

from sqlalchemy import URL

from components.core.errors import ConfigError
from scripts.tracking_server.child import Child, Program, as_user, stop_orphan
from scripts.tracking_server.cluster import (
    HOST,
    answers,
    make_cluster,
    make_databases,
    plain_environment,
)
from scripts.tracking_server.database import DRIVER
from scripts.tracking_server.place import Place, write_private

NAME = "PostgreSQL"
# SQLAlchemy's pool holds up to 15 connections; each of MLflow's four workers has three pools
# (runs, registry, users), 180 in all. The rest is for workers of studies, a few connections each.
_CONNECTIONS = 300
_DEBIAN = Path("/usr/lib/postgresql")


def find_binaries() -> Path | None:
    """Return the folder of PostgreSQL's server programs, the newest version's, or None."""
    on_path = shutil.which("initdb")
    if on_path and (Path(on_path).resolve().parent / "postgres").exists():
        return Path(on_path).resolve().parent
    found = [p.parent for p in _DEBIAN.glob("*/bin/postgres") if (p.parent / "initdb").exists()]
    return max(found, key=lambda p: [int(n) for n in p.parts[-2].split(".")], default=None)


def checked_user(name: str) -> str | None:
    """Return the system user that PostgreSQL runs as, None for the own one.

    Raises:
        ConfigError: started as root without naming one, or not root and naming one, or there is
            no such user, or it is root.
    """
    if not name:
        if os.geteuid() == 0:
            raise ConfigError(
                "PostgreSQL refuses to run as root; start the server as another user, or name a "
                "system user without rights for it with --postgres-user, e.g. postgres"
            )
        return None
    if os.geteuid() != 0:
        raise ConfigError(
            f"only root can start PostgreSQL as '{name}'; leave --postgres-user out and it runs as "
            "yourself"
        )
    try:
        found = as_user(name)
    except KeyError as error:
        raise ConfigError(
            f"--postgres-user '{name}' is no user of this machine; make it with "
            f"`useradd --system {name}`"
        ) from error
    if found is not None and found[0] == 0:
        raise ConfigError(f"--postgres-user '{name}' is root; name a user without rights")
    return name


def start(place: Place, *, port: int, user: str | None) -> Child:
    """Start the PostgreSQL under the data folder, made at the first start, with its databases.

    Args:
        place: of the server.
        port: on 127.0.0.1; 0 for the one of before, at first a free one.
        user: system user that it runs as, None for the own one.

    Raises:
        ConfigError: there are no server programs, or the port is taken.
        StorageError: it does not start.
    """
    binaries = find_binaries()
    if binaries is None:
        raise ConfigError(
            "PostgreSQL's server programs are neither on PATH nor in /usr/lib/postgresql; install "
            "them (Debian: postgresql), or give a database: make server URL=postgresql://…"
        )
    stop_orphan(place, NAME, signal.SIGINT)
    cluster = make_cluster(place, binaries, user)
    chosen = choose_port(place, port)
    refuse_taken(HOST, chosen, "--postgres-port")
    settings = {
        "listen_addresses": HOST, "port": str(chosen), "unix_socket_directories": "",
        "password_encryption": "scram-sha-256", "max_connections": str(_CONNECTIONS),
    }  # fmt: skip
    options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    program = Program(
        name=NAME, command=[str(binaries / "postgres"), "-D", str(cluster), *options],
        environment=plain_environment(), stop_signal=signal.SIGINT, user=user,
    )  # fmt: skip
    child = Child(program=program, place=place)
    try:
        child.wait_until(lambda: answers(place, chosen))
        make_databases(place, chosen)
    except BaseException:
        child.stop()
        raise
    return child


def url_of(place: Place, database: str) -> URL:
    """Return the URL of one of the databases, with its password."""
    return URL.create(DRIVER, username=database, password=place.secret(f"{database}_password"),
                      host=HOST, port=choose_port(place, 0), database=database)  # fmt: skip


def choose_port(place: Place, asked: int) -> int:
    """Return the port: asked for, that of before, or a free one; it is kept for the next start."""
    file = place.folder / "postgres_port"
    if not asked and file.exists():
        return int(file.read_text())
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        chosen = asked or int(probe.getsockname()[1])
    write_private(file, str(chosen))
    return chosen


def refuse_taken(host: str, port: int, option: str) -> None:
    """Raise a ConfigError where another program listens on that port."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(
                f"{host}:{port} cannot be listened on ({error.strerror}); end the program that "
                f"does, or choose another one with {option}"
            ) from error
