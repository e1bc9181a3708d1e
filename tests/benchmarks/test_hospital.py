"""The hospital to measure on: as many events as it says, and nobody waits where it cannot be."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from benchmarks.harness import hospital
from components.ingest.records import Record
from components.ingest.sources import mimic_iv


def _lengths(folder: Path) -> list[int]:
    found = mimic_iv.read(folder, mimic_iv.Options(memory_gb=1))
    return [len(each.events or ()) for each in found if isinstance(each, Record)]


def test_four_fifths_of_the_stays_have_about_four_hundred_events(tmp_path: Path) -> None:
    lengths = _lengths(hospital.write_hospital(tmp_path, stays=40))
    assert len(lengths) == 32
    assert 300 < sum(lengths) / len(lengths) < 500
    assert max(lengths) > 3 * min(lengths)


def test_the_longest_stay_is_as_long_as_asked(tmp_path: Path) -> None:
    lengths = _lengths(hospital.write_hospital(tmp_path, stays=2, longest=30_000))
    assert max(lengths) >= 30_000


def test_a_statement_that_fails_leaves_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.sql"
    broken.write_text("select 1;\n-- table icu/icustays\nselect nothing;\n")
    monkeypatch.setattr(hospital, "_STATEMENTS", broken)
    with pytest.raises(duckdb.BinderException, match="nothing"):
        hospital.write_hospital(tmp_path, stays=1)
