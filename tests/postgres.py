"""A throw-away PostgreSQL server on a free port of 127.0.0.1; skips where there is none."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

# Debian keeps the server's programs off the path.
_FOLDERS = [str(each) for each in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
# Durability is of no use to a server that is thrown away.
_SETTINGS = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


@dataclass(frozen=True)
class Postgres:
    """A running server.

    Attributes:
        url: of its database `postgres`, as user `tester` with password `secret-{word}`.
        port: on 127.0.0.1.
        binaries: folder of the server's programs.
        data: folder of the server's files.
    """

    url: str
    port: int
    binaries: Path
    data: Path

    def create(self, name: str) -> str:
        """Make an empty database and return its URL."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return f"{self.url.rpartition('/')[0]}/{name}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for the whole session; import this fixture where it is wanted."""
    with started() as server:
        yield server


@contextmanager
def started() -> Iterator[Postgres]:
    """Start a server in a folder of its own and remove both afterwards."""
    binaries, user = _binaries(), _user()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        server = _initialised(folder, binaries, user)
        options = f"-p {server.port} -c listen_addresses=127.0.0.1 -k {folder} {_SETTINGS}"
        _run(user, binaries / "pg_ctl", "-D", server.data, "-w", "-o", options,
             "-l", folder / "log", "start")  # fmt: skip
        try:
            yield server
        finally:
            _run(user, binaries / "pg_ctl", "-D", server.data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


def _initialised(folder: Path, binaries: Path, user: str | None) -> Postgres:
    # A colon or a slash in it would have to be quoted in a URL; braces must not be taken for more.
    password, data = "secret-{word}", folder / "data"
    secret = folder / "password"
    secret.write_text(password)
    if user is not None:
        shutil.chown(secret, user)
    _run(user, binaries / "initdb", "-D", data, "-U", "tester", "--auth=scram-sha-256",
         "--no-sync", "--pwfile", secret, "--encoding=UTF8", "--locale=C")  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return Postgres(
        f"postgresql://tester:{password}@127.0.0.1:{port}/postgres", port, binaries, data
    )


def _binaries() -> Path:
    path = os.pathsep.join([*_FOLDERS, os.environ.get("PATH", "")])
    found = shutil.which("initdb", path=path)
    if found is None:
        pytest.skip("no PostgreSQL server is installed (initdb is neither on PATH nor in "
                    "/usr/lib/postgresql)")  # fmt: skip
    return Path(found).parent


def _user() -> str | None:
    """Return whom to run the server as: it refuses to be the administrator's."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    pytest.skip("PostgreSQL refuses to run as root, and there is no user 'postgres' or 'nobody'")


def _run(user: str | None, *command: object) -> None:
    words = [str(each) for each in command]
    with tempfile.TemporaryFile("w+") as said:
        # Not a pipe: the server keeps what it inherits open.
        done = subprocess.run(
            words, cwd="/", stdout=said, stderr=said, stdin=subprocess.DEVNULL, check=False,
            user=user, timeout=60,
        )  # fmt: skip
        said.seek(0)
        if done.returncode:
            pytest.fail(f"{Path(words[0]).name} failed:\n{said.read()}")
