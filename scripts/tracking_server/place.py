"""The server's private folder: its secrets, its lock and the address it answers at."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.core.errors import ConfigError, StorageError
from components.core.store import data_root

# 24 random bytes are 192 bits, above the 128 of every symmetric key in use; in URL-safe letters,
# so that a password needs no escaping in a database URL.
_SECRET_BYTES = 24
ADMIN = "admin"


@dataclass(frozen=True)
class Place:
    """Where the server keeps its own things.

    Attributes:
        folder: mode 0700; secrets, logs, the generated configuration.
        database: folder of the PostgreSQL that is started here, where one is.
    """

    folder: Path
    database: Path

    @classmethod
    def default(cls) -> Place:
        """Return the place under the data folder, made where it does not exist.

        Raises:
            StorageError: the folder cannot be made.
        """
        root = data_root().resolve()
        place = cls(root / "server", root / "postgres")
        try:
            place.secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
            place.folder.chmod(0o700)
        except OSError as error:
            raise StorageError(
                f"the server's folder '{place.folder}' cannot be made ({type(error).__name__}); "
                "set CARDIO_DATA to a folder that is writable"
            ) from error
        return place

    @property
    def secrets(self) -> Path:
        """Return the folder of the secrets, one file of mode 0600 each."""
        return self.folder / "secrets"

    def secret(self, name: str) -> str:
        """Return a secret that was generated when it was first asked for."""
        file = self.secrets / name
        if not file.exists():
            fresh = file.with_suffix(".new")
            write_private(fresh, secrets.token_urlsafe(_SECRET_BYTES) + "\n")
            fresh.rename(file)
        return file.read_text(encoding="utf-8").strip()

    def has(self, name: str) -> bool:
        """Return whether that secret was generated before."""
        return (self.secrets / name).exists()

    @contextmanager
    def locked(self) -> Generator[None]:
        """Hold the place for one server.

        Raises:
            ConfigError: another server holds it.
        """
        with (self.folder / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigError(
                    f"the tracking server of '{self.folder}' is already running at "
                    f"{self.address() or 'an address it has not told yet'}; use that one, or stop "
                    "it first"
                ) from error
            yield

    def address(self) -> str:
        """Return the address at which the server answers or answered last, empty before that."""
        file = self.folder / "address.json"
        return str(json.loads(file.read_text())["uri"]) if file.exists() else ""

    def tell_address(self, uri: str) -> None:
        """Keep the address for those who come later."""
        write_private(self.folder / "address.json", json.dumps({"uri": uri}))


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    file.unlink(missing_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(text)
