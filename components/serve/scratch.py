"""The folder of a running service: nobody else may read it, and it does not outlive the service.

A service that is killed cannot delete it; the next one that starts does, and all that run.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

_PREFIX = "cardio-serve-"
_LOCK = "lock"
# A folder without a lock this young may be one whose service has not begun it yet.
_YOUNG_S = 60.0


def scratch_folder() -> Path:
    """Return a new folder, after those that killed services left behind are deleted."""
    delete_left()
    found = Path(tempfile.mkdtemp(prefix=_PREFIX))
    # Never closed: the lock is held until the process ends, however it ends. And held before it
    # has its name, so that nobody finds it free.
    fcntl.flock(os.open(found / f"{_LOCK}.new", os.O_CREAT | os.O_RDWR, 0o600), fcntl.LOCK_EX)
    (found / f"{_LOCK}.new").rename(found / _LOCK)
    return found


def delete_left() -> None:
    """Delete the folders of services that are no more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Return whether it is this user's, and of a service that is no more."""
    try:
        about = folder.lstat()
        if about.st_uid != os.getuid() or folder.is_symlink():
            return False
        if not (folder / _LOCK).exists():
            return time.time() - about.st_mtime > _YOUNG_S
        with (folder / _LOCK).open(encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # locked, or gone meanwhile
        return False
    return True
