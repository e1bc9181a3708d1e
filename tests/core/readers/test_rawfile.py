"""Files stay under their root and within their size; memory files bring what they name."""

from __future__ import annotations

import pytest

from components.core.errors import RecordError
from components.core.readers import rawfile
from components.core.readers.rawfile import DiskFile, MemoryFile


def test_a_file_and_its_neighbour(tmp_path) -> None:
    (tmp_path / "a.hea").write_bytes(b"head")
    (tmp_path / "a.dat").write_bytes(b"data")
    raw = DiskFile(tmp_path / "a.hea", tmp_path)
    assert (raw.name, raw.head(2), raw.data()) == ("a.hea", b"he", b"head")
    assert raw.sibling("a.dat").data() == b"data"


def test_nothing_outside_the_root_is_opened(tmp_path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_bytes(b"x")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "a").write_bytes(b"x")
    for path in (root / ".." / "secret", root / "link"):
        with pytest.raises(RecordError, match="the path leaves the data root"):
            DiskFile(path, root)
    with pytest.raises(RecordError, match="the path leaves the data root"):
        DiskFile(root / "a", root).sibling("../secret")


def test_missing_empty_and_huge_files(tmp_path, monkeypatch) -> None:
    with pytest.raises(RecordError, match="the file does not exist") as caught:
        DiskFile(tmp_path / "no", tmp_path)
    assert caught.value.advice == "correct the path in the manifest"
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "e.png").write_bytes(b"x")
    with pytest.raises(RecordError, match="the file does not exist") as caught:
        DiskFile(tmp_path / "pages\\e.png", tmp_path)
    assert caught.value.advice.startswith("write folders with '/' and not with a backslash")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(RecordError, match="the file is empty"):
        DiskFile(tmp_path / "empty", tmp_path)
    monkeypatch.setattr(rawfile, "MAX_BYTES", 3)
    (tmp_path / "long").write_bytes(b"1234")
    with pytest.raises(RecordError, match="the file has 4 bytes, more than 3"):
        DiskFile(tmp_path / "long", tmp_path)


def test_a_memory_file_names_what_did_not_come(tmp_path) -> None:
    raw = MemoryFile("a", b"abc", {"b": b"x"})
    assert (raw.head(2), raw.sibling("b").data()) == (b"ab", b"x")
    with pytest.raises(RecordError, match="send the header and its signal file together"):
        raw.sibling("c")
    with pytest.raises(RecordError) as caught:
        raw.sibling("QUILLFEATHRY.dat")
    assert caught.value.value == "text of 16 characters"


def test_a_file_that_cannot_be_read_any_more(tmp_path) -> None:
    (tmp_path / "a.xml").write_bytes(b"x")
    raw = DiskFile(tmp_path / "a.xml", tmp_path)
    raw.path.unlink()
    for ask in (raw.data, raw.head):
        with pytest.raises(RecordError, match=r"cannot be read \(FileNotFoundError\)") as caught:
            ask()
        assert caught.value.code == "unreadable_file"
