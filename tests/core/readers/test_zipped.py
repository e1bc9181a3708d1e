"""Zip archives: one plain record each, bounded."""

from __future__ import annotations

import io
import warnings
import zipfile

import numpy as np
import pytest

from components.core.errors import RecordError
from components.core.readers import zipped
from components.core.readers.registry import read_signal
from components.core.readers.zipped import memory_file_from_zip


def _zip(files: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_a_pair_is_read(ecg, wfdb_record) -> None:
    raw = wfdb_record(ecg())
    packed = _zip({"r.hea": raw.content, **raw.siblings})
    np.testing.assert_array_equal(read_signal(memory_file_from_zip(packed)).values, ecg())


def test_ten_seconds_of_zeros_are_no_bomb() -> None:
    assert memory_file_from_zip(_zip({"a.hea": b"x", "a.dat": bytes(120_000)})).name == "a.hea"


@pytest.mark.parametrize(
    ("files", "match"),
    [
        ({"../a.hea": b"x"}, "a folder or a name that is not plain"),
        ({"/etc/a.hea": b"x"}, "not plain"),
        ({"d/a.hea": b"x"}, "put the files at the top level"),
        ({".hidden.hea": b"x"}, "not plain"),
        ({"a.dat": b"x"}, "holds 0 .hea files"),
        ({"a.hea": b"x", "b.hea": b"y"}, "holds 2 .hea files"),
        ({f"{n}.dat": b"x" for n in range(17)}, "holds more than 16 files"),
        ({}, "holds 0 .hea files"),
        ({"a.hea": b"x", "a.dat": bytes(5_000_000)}, "unpacks to 5000001 bytes from"),
    ],
)
def test_what_is_wrong_is_named(files, match) -> None:
    with pytest.raises(RecordError, match=match):
        memory_file_from_zip(_zip(files))


@pytest.mark.parametrize("kind", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_only_deflate_is_unpacked(kind) -> None:
    with pytest.raises(RecordError, match="packed in another way than deflate"):
        memory_file_from_zip(_zip({"a.hea": b"x" * 100}, kind))


def test_size_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr(zipped, "MAX_BYTES", 10)
    with pytest.raises(RecordError, match="unpacks to 11 bytes"):
        memory_file_from_zip(_zip({"a.hea": b"12345678901"}, zipfile.ZIP_STORED))


def test_two_files_of_one_name_are_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("a.hea", b"x")
        archive.writestr("a.hea", b"y")
    with pytest.raises(RecordError, match="two files of one name"):
        memory_file_from_zip(buffer.getvalue())


def test_a_lie_about_the_size_and_damage_are_refused() -> None:
    packed = bytearray(_zip({"a.hea": b"x" * 3000}))
    at = packed.index(b"PK\x01\x02")
    for stated, match in (
        (10, r"cannot be read \(BadZipFile"),
        (4000, "not as long as the archive"),
    ):
        packed[at + 24 : at + 28] = stated.to_bytes(4, "little")
        with pytest.raises(RecordError, match=match):
            memory_file_from_zip(bytes(packed))
    with pytest.raises(RecordError, match=r"cannot be read \(BadZipFile\)"):
        memory_file_from_zip(b"PK nothing")
