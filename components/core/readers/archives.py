"""Opening a zip archive that somebody sent: bounded before memory is taken for what it lists."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from typing import IO, Any

SIGNATURE = b"PK\x03\x04"
# Deflate's own limit is 1032; ECGs reach 5, a lead-off recording 200.
MAX_RATIO = 250
# What every zip program writes. LZMA's own header may ask for 4 GB before a byte is unpacked.
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Below this size a high ratio is no bomb: ten seconds of zeros compress well.
_FREE_BYTES = 1_000_000
# In the list at the archive's end: of one member with its name, and of the search for its end.
_ENTRY, _END = 512, 70_000
_LISTED = b"PK\x01\x02"


class TooManyMembersError(Exception):
    """An archive lists more files than it may have."""


class _Bounded:
    """A file whose list of members is held to a number before any of them is taken up.

    An archive states how many it has, but readers go by the length of the list, in which
    32 MB hold 700,000 members of a few bytes, and hundreds of bytes of memory each.
    """

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self._most = file, most
        self._size = file.seek(0, os.SEEK_END)
        self.opening = True

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a file has
        return getattr(self._file, name)

    def read(self, size: int = -1) -> bytes:
        if not self.opening:
            return self._file.read(size)
        left = self._size - self._file.tell()
        if (left if size < 0 else min(size, left)) > self._most * _ENTRY + _END:
            raise TooManyMembersError
        found = self._file.read(size)
        # What is read to find the end may hold some of the contents.
        if found.startswith(_LISTED) and found.count(_LISTED) > self._most:
            raise TooManyMembersError
        return found


def opened_zip(file: IO[bytes], *, most: int) -> zipfile.ZipFile:
    """Return an archive, to be closed.

    Args:
        file: that holds it, open for reading.
        most: members that it may list, folders among them.

    Raises:
        TooManyMembersError: it lists more.
        zipfile.BadZipFile: it is none; `zipfile` raises more where it is damaged.
    """
    bounded: Any = _Bounded(file, most)
    archive = zipfile.ZipFile(bounded)
    bounded.opening = False
    return archive


def is_bomb(members: Sequence[zipfile.ZipInfo], *, most: int) -> tuple[int, int] | None:
    """Return the bytes of the files and of the archive where they are too many, else None."""
    total = sum(each.file_size for each in members)
    packed = sum(each.compress_size for each in members)
    beyond = total > most or (total > _FREE_BYTES and total > MAX_RATIO * packed)
    return (total, packed) if beyond else None
