"""The archive of a batch: what it may be, and that nothing gets out of its folder."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.core.errors import RecordError
from components.serve.unpacking import unpacked

MEGABYTE = 1_000_000


def archive(path: Path, files: dict[str, bytes], packed: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", packed) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return path


def unpack(path: Path, *, files: int = 10, size: int = MEGABYTE) -> int:
    folder = path.parent / "into"
    folder.mkdir(exist_ok=True)
    return unpacked(str(path), str(folder), files=files, size=size)


def test_files_and_folders_come_out_as_they_were_put_in(tmp_path: Path) -> None:
    sent = {"a.xml": b"one", "deep/er/b.dat": bytes(range(256)) * 9000, "empty.csv": b""}
    path = archive(tmp_path / "x.zip", sent)
    with zipfile.ZipFile(path, "a") as opened:
        opened.writestr("folder/", "")
    assert unpack(path, size=3 * MEGABYTE) == 3
    for name, content in sent.items():
        assert (tmp_path / "into" / name).read_bytes() == content
    assert not (tmp_path / "into" / "folder").exists()


@pytest.mark.parametrize(
    "name",
    ["../out.txt", "a/../../out.txt", "/etc/out.txt", "a\\..\\..\\out.txt", "C:out.txt",
     "c:/out.txt", "./a", "a//b", "..", "x" * 201, "ä" * 101, "a/" + "y" * 200],
)  # fmt: skip
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "x.zip", {"fine.txt": b"1", name: b"2"})
    with pytest.raises(RecordError, match="a link, or a name that leaves its folder") as refused:
        unpack(path)
    assert refused.value.code == "bad_file_name"
    assert {each.name for each in tmp_path.rglob("*")} == {"x.zip", "into"}


def test_a_name_with_a_null_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.zip", {"abcde.txt": b"1"})
    path.write_bytes(path.read_bytes().replace(b"abcde", b"ab\0de"))
    with pytest.raises(RecordError, match="a name that leaves its folder"):
        unpack(path)


def test_a_patients_name_is_not_repeated(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.zip", {"../QUILLFEATHRY.xml": b"1"})
    with pytest.raises(RecordError) as refused:
        unpack(path)
    assert "QUILLFEATHRY" not in f"{refused.value} {refused.value.value}"


def test_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    link = zipfile.ZipInfo("link.xml")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr(link, "/etc/passwd")
    with pytest.raises(RecordError, match="a link, or a name that leaves its folder"):
        unpack(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.zip", {"a": b"1"})
    with zipfile.ZipFile(path, "a") as opened:
        opened.writestr("a", b"2")
    with pytest.raises(RecordError, match="two files of one name"):
        unpack(path)


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a")])
def test_a_file_that_is_a_folder_too_is_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    path = archive(tmp_path / "x.zip", dict.fromkeys(names, b"1"))
    with pytest.raises(RecordError, match="the zip archive cannot be read") as refused:
        unpack(path)
    assert refused.value.code == "bad_archive"


def test_more_files_than_may_be_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.zip", {f"f{i}": b"1" for i in range(11)})
    with pytest.raises(RecordError, match="the archive holds 11 files, not 1 to 10") as refused:
        unpack(path)
    assert refused.value.code == "archive_too_large"
    with pytest.raises(RecordError, match="the archive holds 0 files, not 1 to 10"):
        unpack(archive(tmp_path / "y.zip", {}))


def test_a_long_list_is_refused_before_it_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(tmp_path / "x.zip", {f"{i}": b"" for i in range(21)})
    folders = archive(tmp_path / "y.zip", {f"{i}/": b"" for i in range(10)} | {"a": b"1"})
    made: list[str] = []

    class Counted(zipfile.ZipInfo):
        def __init__(self, *given: Any) -> None:
            made.append(given[0])
            super().__init__(*given)

    monkeypatch.setattr(zipfile, "ZipInfo", Counted)
    with pytest.raises(RecordError, match="the archive holds more than 10 files") as refused:
        unpack(path)
    assert refused.value.code == "archive_too_large"
    assert made == []
    assert unpack(folders) == 1
    assert made


def test_a_list_of_many_megabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for number in range(3):
            info = zipfile.ZipInfo(str(number))
            info.comment = b" " * 60_000
            opened.writestr(info, b"1")
    with pytest.raises(RecordError, match="the archive holds more than 10 files"):
        unpack(path)


def test_more_bytes_than_may_be_are_refused_before_any_is_written(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.zip", {"a": bytes(300), "b": bytes(300)}, zipfile.ZIP_STORED)
    with pytest.raises(RecordError, match="the archive unpacks to 600 bytes"):
        unpack(path, size=599)
    assert list((tmp_path / "into").iterdir()) == []


def test_a_bomb_is_refused_and_a_flat_line_is_not(tmp_path: Path) -> None:
    bomb = archive(tmp_path / "x.zip", {"a": bytes(20 * MEGABYTE)})
    with pytest.raises(RecordError, match="the archive unpacks to 20,000,000 bytes"):
        unpack(bomb, size=100 * MEGABYTE)
    assert unpack(archive(tmp_path / "y.zip", {"a": bytes(MEGABYTE)})) == 1


def restated(path: Path, size: int) -> Path:
    """Let the central directory state another unpacked size of the one file."""
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", size)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("size", [0, 1, 999, 1001, 500_000])
@pytest.mark.parametrize("packed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_file_is_as_long_as_the_archive_states(tmp_path: Path, size: int, packed: int) -> None:
    content = bytes(range(250)) * 4
    path = restated(archive(tmp_path / "x.zip", {"a": content}, packed), size)
    with pytest.raises(RecordError, match=r"not as long as|cannot be read") as refused:
        unpack(path)
    assert refused.value.code == "bad_archive"


def encrypted(content: bytearray) -> None:
    at = content.rindex(b"PK\x01\x02")
    content[at + 8] |= 0x1


def lying(content: bytearray) -> None:
    at = content.index(b"PK\x03\x04") + 30
    content[at + 5] ^= 0xFF


@pytest.mark.parametrize(
    ("damage", "words"),
    [(encrypted, "the archive is encrypted"), (lying, "the zip archive cannot be read"),
     (lambda content: content.__delitem__(slice(-30, None)), "the zip archive cannot be read")],
)  # fmt: skip
def test_damage_is_told(tmp_path: Path, damage: Callable[[bytearray], None], words: str) -> None:
    path = archive(tmp_path / "x.zip", {"a": b"some content, some more content"})
    content = bytearray(path.read_bytes())
    damage(content)
    path.write_bytes(content)
    with pytest.raises(RecordError, match=words):
        unpack(path)


@pytest.mark.parametrize("packed", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_nothing_but_deflate_is_unpacked(tmp_path: Path, packed: int) -> None:
    with pytest.raises(RecordError, match="packed in another way than deflate"):
        unpack(archive(tmp_path / "x.zip", {"a": b"1" * 100}, packed))


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04", b"PK\x05\x06" + bytes(10)])
def test_what_is_no_archive_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(RecordError, match=r"cannot be read \(BadZipFile\)"):
        unpack(tmp_path / "x.zip")


def test_an_archive_within_an_archive_is_a_file(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as opened:
        opened.writestr("../out", "1")
    assert unpack(archive(tmp_path / "x.zip", {"a.zip": inner.getvalue()})) == 1
    assert not (tmp_path / "out").exists()
