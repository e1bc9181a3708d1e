"""Parts become one table, one in memory at a time."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from components.core.parts import merge_parts

SCHEMA = pa.schema([pa.field("x", pa.int64())])


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    files = [tmp_path / f"{number}.parquet" for number in range(3)]
    for number, file in enumerate(files):
        pq.write_table(pa.table({"x": list(range(number))}, schema=SCHEMA), file)
    return files


def test_parts_are_written_in_their_order(tmp_path: Path, parts: list[Path]) -> None:
    assert merge_parts(tmp_path / "all.parquet", reversed(parts), SCHEMA) == 3
    assert pq.read_table(tmp_path / "all.parquet").column("x").to_pylist() == [0, 1, 0]


def test_each_part_may_be_changed_on_the_way(tmp_path: Path, parts: list[Path]) -> None:
    def tenfold(table: pa.Table) -> pa.Table:
        return pa.table({"x": pc.multiply(table.column("x"), 10)}, schema=SCHEMA)

    assert merge_parts(tmp_path / "all.parquet", parts, SCHEMA, change=tenfold) == 3
    assert pq.read_table(tmp_path / "all.parquet").column("x").to_pylist() == [0, 0, 10]
