"""A WFDB header and its signal files in one zip archive, as a server receives them."""

from __future__ import annotations

import io
import zipfile
import zlib

from components.core.errors import RecordError, quoted
from components.core.readers.archives import (
    PACKED,
    TooManyMembersError,
    is_bomb,
    opened_zip,
)
from components.core.readers.rawfile import MemoryFile
from components.core.readers.wfdb_header import FILE_NAME

# A header, its signal files, and room for annotations.
MAX_MEMBERS = 16
# Unpacked; a 12-lead, 30-minute recording at 1 kHz in 16 bit has 43 MB.
MAX_BYTES = 50_000_000


def memory_file_from_zip(data: bytes) -> MemoryFile:
    """Return the one `.hea` file in the archive, with the others beside it.

    Raises:
        RecordError: `bad_archive`, `archive_too_large`, `bad_file_name`.
    """
    try:
        with opened_zip(io.BytesIO(data), most=MAX_MEMBERS) as archive:
            members = archive.infolist()
            _check(members)
            files = {each.filename: _content(archive, each) for each in members}
    except TooManyMembersError:
        raise _too_large(f"the archive holds more than {MAX_MEMBERS} files") from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError,
            ValueError, KeyError, IndexError, UnicodeError) as error:  # fmt: skip
        raise _bad(f"the zip archive cannot be read ({type(error).__name__})") from None
    headers = [name for name in files if name.lower().endswith(".hea")]
    if len(headers) != 1:
        raise _bad(f"the archive holds {len(headers)} .hea files where one is expected")
    return MemoryFile(headers[0], files[headers[0]], files)


def _check(members: list[zipfile.ZipInfo]) -> None:
    names = [each.filename for each in members]
    for name in names:
        if not FILE_NAME.fullmatch(name):
            raise RecordError(
                "bad_file_name",
                "the archive holds a folder or a name that is not plain",
                field="file",
                value=quoted(name),
                advice="put the files at the top level of the archive",
            )
    if any(each.compress_type not in PACKED for each in members):
        raise _bad("the archive is packed in another way than deflate")
    if len(set(names)) != len(names):
        raise _bad("the archive holds two files of one name")
    # What the archive states; `_content` holds each member to it.
    if beyond := is_bomb(members, most=MAX_BYTES):
        raise _too_large(f"the archive unpacks to {beyond[0]} bytes from {beyond[1]}")


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as stream:
        content = stream.read(member.file_size + 1)
    if len(content) != member.file_size:
        raise _bad("a file in the archive is not as long as the archive states")
    return content


def _bad(reason: str) -> RecordError:
    return RecordError(
        "bad_archive", reason, field="file", advice="send one .hea file and its signal files"
    )


def _too_large(reason: str) -> RecordError:
    return RecordError(
        "archive_too_large", reason, field="file", advice="send one record per archive"
    )
