"""Files that are whole or absent, flushed, and errors of the disk in one clear sentence."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from components.core.errors import StorageError

# Less than this left when a write fails: the disk is full, whatever the writer calls it.
_SPARE_BYTES = 65_536
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_ACCESS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}


def file_hash(path: Path) -> str:
    """Return the sha256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def storage_errors(where: str) -> Generator[None]:
    """Turn a full disk or an unwritable folder into one clear sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise StorageError(
                f"the disk is full while writing {where}; free space and start again: "
                "what was finished is kept and the work goes on from there"
            ) from error
        if error.errno in _NO_ACCESS:
            raise StorageError(
                f"{where} is not writable; change its permissions or set CARDIO_DATA to a folder "
                "that is"
            ) from error
        raise


def flush(file: Path) -> None:
    """Force a file's content to disk."""
    with file.open("rb+") as handle:
        os.fsync(handle.fileno())


def flush_folder(folder: Path) -> None:
    """Force a folder's own entries to disk: what was created, renamed or removed in it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomic(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file, then rename it to `path`: whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(partial)
        flush(partial)
        partial.rename(path)
    except Exception as error:
        # safetensors, numpy and torch each have their own exception for a full disk.
        if not isinstance(error, OSError) or error.errno is None:
            _raise_if_full(path.parent, error)
        raise
    finally:
        partial.unlink(missing_ok=True)


def _raise_if_full(folder: Path, error: Exception) -> None:
    said = os.strerror(errno.ENOSPC) in str(error)
    if said or (folder.is_dir() and shutil.disk_usage(folder).free < _SPARE_BYTES):
        raise OSError(errno.ENOSPC, f"no space left: {error}") from error
