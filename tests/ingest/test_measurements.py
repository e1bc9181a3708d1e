"""Measurements in the ingest stage: kept, refused, counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from components.core.errors import InputError
from components.core.schemas import MEASUREMENT_SCHEMA, MEASUREMENTS
from tests.chain import ingest_config, ingested, rejects_of, write_table

OPTIONS: dict[str, Any] = {"tabular": {"x": "numeric"}, "measurements": "m.csv"}
GOOD = [("p0", 0, "lvef", 60, "%"), ("p0", 90, "lvef", 45, "%"), ("p1", 0, "lvef", 60, "%")]


@pytest.fixture
def raw(tmp_path: Path, data_folder: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    write_table(folder / "manifest.csv", [{"patient_id": f"p{i}", "x": i} for i in range(2)])
    return folder


def write(raw: Path, rows: list[tuple[object, ...]]) -> None:
    names = ["patient_id", "time", "name", "value", "unit"]
    pd.DataFrame(rows, columns=names).assign(surname="Quillfeathry").to_csv(
        raw / "m.csv", index=False
    )


def test_they_become_a_table_and_nothing_else_of_the_file(
    raw: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(raw, [*GOOD, ("stranger", 0, "lvef", 60, "%")])
    stage = ingested(ingest_config("manifest", raw / "manifest.csv", OPTIONS))
    table = pq.read_table(stage.folder / MEASUREMENTS)
    assert table.schema.equals(MEASUREMENT_SCHEMA)
    rows = table.select(["patient_id", "day", "value", "row"]).to_pylist()
    assert [tuple(r.values()) for r in rows] == [
        ("p0", 0, 60, 2), ("p0", 90, 45, 3), ("p1", 0, 60, 4),
    ]  # fmt: skip
    assert stage.counts["measurements"] == 3
    assert stage.counts["measurements_of_others"] == 1
    assert "1 measurements of patients outside the manifest" in capsys.readouterr().err
    for file in stage.folder.rglob("*"):
        assert not file.is_file() or b"Quillfeathry" not in file.read_bytes()


def test_refused_rows_stand_in_the_rejects(raw: Path) -> None:
    write(raw, [*GOOD, ("p1", 90, "lvef", 0.5, "%"), ("p1", 95, "lvef", 0.5, "%")])
    stage = ingested(ingest_config("manifest", raw / "manifest.csv", OPTIONS, max_reject_rate=0.5))
    assert rejects_of(stage)[["file", "row", "code"]].to_numpy().tolist() == [
        ["m.csv", 5, "lvef_fraction"], ["m.csv", 6, "lvef_fraction"],
    ]  # fmt: skip
    assert stage.counts["rejects"] == stage.counts["rejects_lvef_fraction"] == 2


def test_too_many_refused_rows_stop_the_run(raw: Path, data_folder: Path) -> None:
    write(raw, [*GOOD, ("p1", 90, "lvef", 0.5, "%")])
    with pytest.raises(
        InputError, match=r"1 of 4 measurements were refused \(1 × lvef_fraction\), .* 5%; see"
    ):
        ingested(ingest_config("manifest", raw / "manifest.csv", OPTIONS))
    (kept,) = (data_folder / "ingest").glob("*.rejects.parquet")
    assert len(pd.read_parquet(kept)) == 1


def test_measurements_of_nobody(raw: Path) -> None:
    write(raw, [("P0", 0, "lvef", 60, "%")])
    with pytest.raises(InputError, match="none of 1 measurements belongs to a patient of the man"):
        ingested(ingest_config("manifest", raw / "manifest.csv", OPTIONS))


def test_a_changed_file_is_another_stage(raw: Path) -> None:
    write(raw, GOOD)
    config = ingest_config("manifest", raw / "manifest.csv", OPTIONS)
    first = ingested(config)
    write(raw, [*GOOD, ("p1", 90, "lvef", 55, "%")])
    assert ingested(config).fingerprint != first.fingerprint
