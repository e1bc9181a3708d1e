"""The archive of a batch: bounded in size, number and ratio, and nothing outside its folder."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from components.core.errors import RecordError, quoted
from components.core.readers.archives import (
    PACKED,
    TooManyMembersError,
    is_bomb,
    opened_zip,
)

_LONGEST_NAME = 200
_CHUNK = 1 << 20
_ENCRYPTED = 0x1


def unpacked(archive: str, folder: str, *, files: int, size: int) -> int:
    """Unpack an archive and return how many files it had.

    Args:
        archive: path of the zip file.
        folder: that they are written to; it exists and is empty.
        files: that there may be.
        size: bytes that they may have, unpacked.

    Raises:
        RecordError: `bad_archive`, `archive_too_large`, `bad_file_name`.
    """
    try:
        # Folders are listed, too.
        with Path(archive).open("rb") as file, opened_zip(file, most=2 * files) as opened:
            members = [each for each in opened.infolist() if not each.is_dir()]
            _check(members, files=files, size=size)
            for member in members:
                _write(opened, member, Path(folder))
            return len(members)
    except TooManyMembersError:
        raise _too_large(f"the archive holds more than {files:,} files") from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError,
            ValueError, KeyError, IndexError, UnicodeError, FileExistsError, NotADirectoryError,
            IsADirectoryError) as error:  # fmt: skip
        raise _bad(f"the zip archive cannot be read ({type(error).__name__})") from None


def _check(members: list[zipfile.ZipInfo], *, files: int, size: int) -> None:
    if not 1 <= len(members) <= files:
        raise _too_large(f"the archive holds {len(members):,} files, not 1 to {files:,}")
    for member in members:
        _check_member(member)
    if len({each.filename for each in members}) != len(members):
        raise _bad("the archive holds two files of one name")
    # What the archive states; `_write` holds each member to it.
    if beyond := is_bomb(members, most=size):
        raise _too_large(f"the archive unpacks to {beyond[0]:,} bytes from {beyond[1]:,}")


def _check_member(member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename)
    plain = (
        member.filename == path.as_posix()
        and not path.is_absolute()
        and ".." not in path.parts
        and "\\" not in member.filename
        and ":" not in member.filename
        and "\0" not in member.orig_filename
        and len(os.fsencode(member.filename)) <= _LONGEST_NAME
    )
    if not plain or stat.S_ISLNK(member.external_attr >> 16):
        raise RecordError(
            "bad_file_name",
            "the archive holds a link, or a name that leaves its folder",
            field="files",
            value=quoted(member.filename),
            advice="put plain files and folders into the archive",
        )
    if member.flag_bits & _ENCRYPTED:
        raise _bad("the archive is encrypted")
    if member.compress_type not in PACKED:
        raise _bad("the archive is packed in another way than deflate")


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / member.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    left = member.file_size
    with opened.open(member) as source, target.open("xb") as sink:
        while part := source.read(_CHUNK):
            left -= len(part)
            sink.write(part)
    if left:
        raise _bad("a file in the archive is not as long as the archive states")


def _bad(reason: str) -> RecordError:
    return RecordError(
        "bad_archive", reason, field="files", advice="send the files of the table as one zip"
    )


def _too_large(reason: str) -> RecordError:
    return RecordError("archive_too_large", reason, field="files", advice="send the batch in parts")
