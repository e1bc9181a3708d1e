"""A raw file to be read: on disk under a data root, or in memory (serving)."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from components.core.errors import RecordError, quoted

# A 12-lead, 24-hour Holter at 1 kHz in 16 bit is 2 GB; nothing this project reads is longer.
MAX_BYTES = 2_000_000_000


class RawFile(Protocol):
    """What a reader may ask of a file."""

    @property
    def name(self) -> str:
        """Return the file's own name, without folders."""
        ...

    def data(self) -> bytes:
        """Return the whole content."""
        ...

    def head(self, size: int = 4096) -> bytes:
        """Return the first `size` bytes."""
        ...

    def sibling(self, name: str) -> RawFile:
        """Return a file in the same folder (a WFDB header's signal file)."""
        ...


@lru_cache(maxsize=16)
def _resolved(root: Path) -> str:
    """Return where the data root really is, asked once and not for each of its files."""
    return os.path.realpath(root).rstrip(os.sep) + os.sep


def _size(path: str) -> int | None:
    """Return the bytes of a regular file, None where there is none."""
    try:
        found = Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _missing(name: str) -> RecordError:
    # A table written under Windows: there a backslash parts folders, elsewhere it is a letter.
    folders = "write folders with '/' and not with a backslash, relative to the manifest's folder"
    return RecordError(
        "missing_file",
        "the file does not exist",
        field="path",
        value=quoted(name),
        advice=folders if "\\" in name else "correct the path in the manifest",
    )


@dataclass(frozen=True)
class DiskFile:
    """A file that must lie under `root`, symbolic links resolved.

    Raises:
        RecordError: `bad_path`, `path_outside_root`, `missing_file`, `empty_file`,
            `file_too_large`.
    """

    path: Path
    root: Path

    def __post_init__(self) -> None:
        try:
            resolved = os.path.realpath(self.path)
            size = _size(resolved)
        except (OSError, ValueError) as error:  # too long, a null byte, a link loop
            raise RecordError(
                "bad_path",
                "the path cannot name a file",
                field="path",
                value=quoted(self.path.name),
                advice="correct the path in the manifest",
            ) from error
        if not resolved.startswith(_resolved(self.root)):
            raise RecordError(
                "path_outside_root",
                "the path leaves the data root",
                field="path",
                value=quoted(self.path.name),
                advice="move the file under the data root or name that folder as the root",
            )
        if size is None:
            raise _missing(self.path.name)
        self._check_size(size)

    def _check_size(self, size: int) -> None:
        if size == 0:
            raise RecordError(
                "empty_file", "the file is empty", field="path", value=quoted(self.path.name)
            )
        if size > MAX_BYTES:
            raise RecordError(
                "file_too_large",
                f"the file has {size} bytes, more than {MAX_BYTES}",
                field="path",
                value=quoted(self.path.name),
            )

    @property
    def name(self) -> str:
        """Return the file's own name, without folders."""
        return self.path.name

    def data(self) -> bytes:
        """Return the whole content.

        Raises:
            RecordError: `unreadable_file`.
        """
        return self._read(-1)

    def head(self, size: int = 4096) -> bytes:
        """Return the first `size` bytes, errors as of `data`."""
        return self._read(size)

    def _read(self, size: int) -> bytes:
        try:
            with self.path.open("rb") as stream:
                return stream.read(size)
        except OSError as error:  # no permission, gone since, a failing disk
            raise RecordError(
                "unreadable_file",
                f"the file cannot be read ({type(error).__name__})",
                field="path",
                value=self.path.name,
                advice="check its permissions and the disk",
            ) from error

    def sibling(self, name: str) -> DiskFile:
        """Return a file in the same folder."""
        return DiskFile(self.path.parent / name, self.root)


@dataclass(frozen=True)
class MemoryFile:
    """A file whose bytes are at hand, with the files that came beside it."""

    name: str
    content: bytes
    siblings: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def data(self) -> bytes:
        """Return the whole content."""
        return self.content

    def head(self, size: int = 4096) -> bytes:
        """Return the first `size` bytes."""
        return self.content[:size]

    def sibling(self, name: str) -> MemoryFile:
        """Return a file that came beside this one."""
        if name not in self.siblings:
            raise RecordError(
                "missing_file",
                "a file that the header names did not come with it",
                field="path",
                value=quoted(name),
                advice="send the header and its signal file together",
            )
        return MemoryFile(name, self.siblings[name], self.siblings)
