"""The table of a batch: held to what the model takes, read in chunks."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.core.errors import InputError
from components.core.schemas import PATH_COLUMNS
from components.serve.batch_table import CHUNK, opened

COLUMNS = ["ecg_path", "age"]


def table(folder: Path, text: str) -> Path:
    (folder / "table.csv").write_text(text, encoding="utf-8")
    return folder / "table.csv"


def test_rows_come_in_order_in_chunks_that_cover_all_of_them(tmp_path: Path) -> None:
    count = 2 * CHUNK + 5
    rows = "".join(f"{i}.csv,{i}\n" for i in range(count))
    found = opened(table(tmp_path, f"ecg_path,age\n{rows}"), COLUMNS, count)
    assert (found.count, found.width, found.column) == (count, 2, "ecg_path")
    chunks = list(found.chunks())
    assert [first for first, _ in chunks] == [1, 1 + CHUNK, 1 + 2 * CHUNK]
    assert [len(rows) for _, rows in chunks] == [CHUNK, CHUNK, 5]
    every = [row for _, rows in chunks for row in rows]
    assert [row["age"] for _, row in every] == [str(i) for i in range(count)]
    assert [line for line, _ in every] == [*range(2, count + 2)]


@pytest.mark.parametrize("name", ["ecg_path", *PATH_COLUMNS])
def test_the_column_of_files_has_the_names_that_a_manifest_gives_it(
    tmp_path: Path, name: str
) -> None:
    assert opened(table(tmp_path, f"{name},age\nx,1\n"), COLUMNS, 5).column == name


def test_files_are_named_in_one_column(tmp_path: Path) -> None:
    twice = f"ecg_path,{PATH_COLUMNS[0]},age\nx,x,1\n"
    with pytest.raises(InputError, match="the table has 2 of the columns ecg_path"):
        opened(table(tmp_path, twice), COLUMNS, 5)
    with pytest.raises(InputError, match="the table has 0 of the columns ecg_path"):
        opened(table(tmp_path, "age,sex\n1,F\n"), COLUMNS, 5)
    assert opened(table(tmp_path, "age,sex\n1,F\n"), ["age"], 5).column == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ecg_path,age\n", "the table has no rows; send 1 to 3"),
        ("ecg_path,age\n\n\n", "the table has no rows"),
        ("ecg_path,age\n" + "x,1\n" * 4, "the table has more than 3 rows"),
        ("", "is empty; it needs a header line"),
        ("ecg_path,QUILLFEATHRY\nx,1\n", r"lacks the column\(s\) age; it has 2 columns"),
        ("ecg_path;age\nx;1\n", "has one column when split at ','"),
        ("ecg_path,age,age\nx,1,1\n", "the same name over the columns 2, 3"),
    ],
)
def test_a_table_that_cannot_be_answered_is_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        opened(table(tmp_path, text), COLUMNS, 3)
    assert "QUILLFEATHRY" not in str(refused.value)


def test_a_table_in_another_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes("ecg_path,age\nMüller.csv,1\n".encode("cp1252"))
    with pytest.raises(InputError, match="not UTF-8"):
        opened(tmp_path / "table.csv", COLUMNS, 3)
    (tmp_path / "table.csv").write_bytes("ecg_path,age\nx,1\n".encode("utf-16"))
    with pytest.raises(InputError, match="not UTF-8"):
        opened(tmp_path / "table.csv", COLUMNS, 3)
    (tmp_path / "table.csv").write_bytes(b"\xef\xbb\xbfecg_path,age\r\nx,1\r\n")
    assert opened(tmp_path / "table.csv", COLUMNS, 3).count == 1
