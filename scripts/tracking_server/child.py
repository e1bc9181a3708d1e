"""A program that the server starts, stops in order, and finds again after it was killed itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from components.core.errors import StorageError
from components.core.progress import say
from scripts.tracking_server.place import Place, write_private

_LOOK_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to start.

    Attributes:
        name: as it is called in messages, in the log's name and in the record of its process.
        command: as an argument list, without secrets: anyone can list them.
        environment: the whole environment.
        stop_signal: asks it to end in order.
        user: system user to start it as, or None for the own one.
        patience_s: how long it may take to come up and to end.
    """

    name: str
    command: list[str]
    environment: dict[str, str]
    stop_signal: signal.Signals = signal.SIGTERM
    user: str | None = None
    patience_s: float = 120.0


@dataclass(kw_only=True)
class Child:
    """A started program, in a session of its own: the keyboard's Ctrl-C does not reach it."""

    program: Program
    place: Place
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        """Start it and keep its process number for a server that finds it left over."""
        own = as_user(self.program.user)
        # Opened here, not by the program: the log stays private, whoever the program runs as.
        handle = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "ab") as log:
            self.process = subprocess.Popen(
                self.program.command, env=self.program.environment, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True, umask=0o077,
                cwd=None if own else self.place.folder,
                user=own[0] if own else None, group=own[1] if own else None,
                extra_groups=[] if own else None,
            )  # fmt: skip
        started = psutil.Process(self.process.pid).create_time()
        record = json.dumps({"pid": self.process.pid, "started": started})
        write_private(_record(self.place, self.program.name), record)

    @property
    def log(self) -> Path:
        """Return the file of everything that the program says."""
        return self.place.folder / f"{self.program.name.lower()}.log"

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until `ready()` holds.

        Raises:
            StorageError: the program ended, or took longer than its patience.
        """
        end = time.monotonic() + self.program.patience_s
        while not ready():
            self.check()
            if time.monotonic() > end:
                raise StorageError(
                    f"{self.program.name} did not answer for {self.program.patience_s:.0f} s; see "
                    f"'{self.log}'"
                )
            time.sleep(_LOOK_SECONDS)

    def check(self) -> None:
        """Raise a StorageError if the program has ended."""
        status = self.process.poll()
        if status is not None:
            raise StorageError(f"{self.program.name} ended with status {status}; see '{self.log}'")

    def stop(self) -> None:
        """End it in order, with everything it has started; kill what does not end."""
        _end(self.process.pid, self.program.stop_signal, self.program.patience_s)
        self.process.wait()
        _record(self.place, self.program.name).unlink(missing_ok=True)


def as_user(name: str | None) -> tuple[int, int] | None:
    """Return user and group number of a system user, None where none is named."""
    import pwd

    if name is None:
        return None
    found = pwd.getpwnam(name)
    return found.pw_uid, found.pw_gid


def _record(place: Place, name: str) -> Path:
    return place.folder / f"{name.lower()}.process.json"


def stop_orphan(place: Place, name: str, how: signal.Signals) -> None:
    """End the program that a killed server has left running, if there is one."""
    file = _record(place, name)
    if not file.exists():
        return
    known = json.loads(file.read_text())
    try:
        same = psutil.Process(known["pid"]).create_time() == known["started"]
    except psutil.NoSuchProcess:
        same = False
    if same:  # not another process that was given the same number
        say(f"server: ending {name}, left by a server that was killed")
        _end(known["pid"], how, 60.0)
    file.unlink(missing_ok=True)


def _end(leader: int, how: signal.Signals, patience_s: float) -> None:
    """End a process that leads its session, then what is left of its session."""
    try:
        first = psutil.Process(leader)
        family = [first, *first.children(recursive=True)]
        first.send_signal(how)
    except psutil.NoSuchProcess:
        return
    _, left = psutil.wait_procs(family, timeout=patience_s)
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=patience_s)
