"""A lock that one process at a time holds, and that the kernel releases when it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def locked(path: Path, waiting: Callable[[str], None] | None) -> Generator[None]:
    """Hold an exclusive lock on the file `path`, which is made and removed for it.

    Args:
        path: of the lock file.
        waiting: told once when another process holds the lock.
    """
    while True:
        with path.open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if waiting is not None:
                    waiting("another process computes this stage; waiting for it to finish")
                fcntl.flock(handle, fcntl.LOCK_EX)
            # The one before removes the file: a lock on a removed file keeps nobody out.
            if _is_named(path, handle):
                yield
                path.unlink()
                return


def _is_named(path: Path, handle: TextIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle.fileno()))
    except FileNotFoundError:
        return False
