"""The folder of a running service: nobody else may read it, and it does not outlive the service.

A service that is killed cannot delete it; the next one that starts does, and all that run.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "cardio-serve-"
# In every such folder, and in no other of a like name.
_MARK = ".folder-of-a-prediction-service"


def scratch_folder() -> Path:
    """Return a new folder, after those that killed services left behind are deleted."""
    delete_left()
    # Locked and marked before it has its name, so that nobody finds it free. The folder itself is
    # locked: a file in it may be swept away with what else is old. The lock is held until the
    # process ends, however it ends.
    found = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}"))
    fcntl.flock(os.open(found, os.O_RDONLY), fcntl.LOCK_EX)
    (found / _MARK).touch()
    return found.rename(found.with_name(found.name.removeprefix(".")))


def delete_left() -> None:
    """Delete the folders of services that are no more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Return whether it is this user's, and of a service that is no more."""
    try:
        ours = folder.lstat().st_uid == os.getuid() and not folder.is_symlink()
        if not ours or not (folder / _MARK).is_file():
            return False
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # gone meanwhile
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # its service runs
        return False
    finally:
        os.close(descriptor)
    return True
