"""Delimited text in the ways that hospitals write it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from components.core import tables
from components.core.errors import InputError, RecordError


def rows_of(path: Path, separator: str = ",") -> list[tuple[int, tables.Row]]:
    return list(tables.open_table(path, separator=separator)[1])


def write(tmp_path: Path, content: bytes) -> Path:
    file = tmp_path / "t.csv"
    file.write_bytes(content)
    return file


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,x\n2,y\n",
        b"a,b\r\n1,x\r\n2,y\r\n",
        b"\xef\xbb\xbfa,b\n1,x\n2,y",
        b'"a","b"\n"1","x"\n\n2,y\n',
    ],
    ids=["LF", "CRLF", "BOM", "quoted with an empty line"],
)
def test_the_same_table_in_four_writings(tmp_path: Path, content: bytes) -> None:
    header, rows = tables.open_table(write(tmp_path, content))
    assert header == ["a", "b"]
    assert [row for _, row in rows] == [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]


def test_another_separator_and_line_numbers(tmp_path: Path) -> None:
    found = rows_of(write(tmp_path, b'a;b\n"1\n2";x\n3;y\n'), ";")
    assert found == [(3, {"a": "1\n2", "b": "x"}), (4, {"a": "3", "b": "y"})]


def test_rows_of_the_wrong_width_are_refused_one_by_one(tmp_path: Path) -> None:
    header, rows = tables.open_table(write(tmp_path, b"a,b\n1\n1,2\n1,2,3\n"))
    (_, narrow), (_, right), (_, wide) = rows
    tables.check_width(right, header)
    for row, cells in ((narrow, 1), (wide, 3)):
        with pytest.raises(RecordError, match=f"the row has {cells} cells, the header 2") as caught:
            tables.check_width(row, header)
        assert caught.value.code == "row_width"


def test_header_only(tmp_path: Path) -> None:
    assert rows_of(write(tmp_path, b"a,b\n")) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the table 't.csv' is empty; it needs a header line"),
        (b'"' + b"x" * 1_100_000, "the header of the table 't.csv' cannot be read: "),
        (b"a,b,a\n", "the table 't.csv' has the same name over the columns 1, 3; rename them"),
        (b"a;b\n1;2\n", "has one column when split at ','.*; save it with ',' between"),
        (b"a\tb\n1\t2\n", "or declare 'separator' where the source has"),
        ("a,b\nJosé,1\n".encode("latin-1"), "the table 't.csv' is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "the table 't.csv' is not UTF-8"),
    ],
    ids=["empty", "endless", "twice", "semicolon", "tab", "latin-1", "utf-16"],
)
def test_a_table_that_cannot_be_read(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        rows_of(write(tmp_path, content))


def test_a_wrong_byte_far_down_is_found(tmp_path: Path) -> None:
    file = write(tmp_path, b"a,b\n" + b"1,2\n" * 50_000 + b"\xff,2\n")
    with pytest.raises(InputError, match=r"the table 't.csv' cannot be read after line .* UTF-8"):
        rows_of(file)


def test_a_cell_as_long_as_a_file_is_a_lost_quote(tmp_path: Path) -> None:
    file = write(tmp_path, b'a,b\n1,"' + b"x" * 1_100_000 + b"\n")
    with pytest.raises(InputError, match=r"cannot be read after line.*field larger than"):
        rows_of(file)


def test_no_such_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere.csv' does not exist; correct the 'path'"):
        tables.open_table(tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match="is a folder; correct the 'path'"):
        tables.open_table(tmp_path)


def test_a_missing_column_is_named_with_the_nearest_and_nothing_else() -> None:
    with pytest.raises(InputError, match=r"'t' lacks the column\(s\) y; it has 2 columns, which "):
        tables.require(["a", "b"], ["a", "y", ""], "t")
    with pytest.raises(InputError, match=r"lacks the column\(s\) label; 'Label' is near, it has 2"):
        tables.require(["Label", "b"], ["label"], "t")
    # The first line of a table without a header is a patient.
    with pytest.raises(InputError) as caught:
        tables.require(["MRN00123", "QUILLFEATHRY"], ["patient_id", "label"], "t")
    assert "MRN" not in str(caught.value)
    assert "QUILL" not in str(caught.value)


def test_a_gzip_file_is_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "t.csv.gz"
    file.write_bytes(gzip.compress(b"\xef\xbb\xbfa,b\r\n1,x\r\n"))
    header, rows = tables.open_table(file)
    assert header == ["a", "b"]
    assert list(rows) == [(2, {"a": "1", "b": "x"})]


@pytest.mark.parametrize("damage", ["cut", "no gzip file", "turned bit"])
def test_a_damaged_gzip_file(tmp_path: Path, damage: str) -> None:
    packed = bytearray(gzip.compress(b"a,b\n" + b"".join(b"%d,x\n" % i for i in range(90_000))))
    if damage == "turned bit":
        packed[len(packed) // 2] ^= 255
    file = tmp_path / "t.csv.gz"
    file.write_bytes({"cut": bytes(packed[:-900]), "no gzip file": b"a,b\n"}.get(damage, packed))
    with pytest.raises(InputError, match=r"the table 't.csv.gz' .*(no whole gzip file|read after)"):
        rows_of(file)


def test_a_cell_may_hold_the_notes_of_years(tmp_path: Path) -> None:
    file = write(tmp_path, b'a,b\n1,"' + b"x" * 400_000 + b'"\n')
    assert len(rows_of(file)[0][1]["b"] or "") == 400_000
