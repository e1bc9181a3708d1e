"""The planted truth is found where ingest lays it, and missed where nothing was planted."""

from __future__ import annotations

import json
from pathlib import Path

from components.core.planted_truth import truth_summary, truth_table
from components.core.store import Stage


def stage(folder: Path) -> Stage:
    return Stage(folder=folder, component="ingest", fingerprint="0" * 64, config={}, inputs={})


def test_a_cohort_without_truth_has_none(tmp_path: Path) -> None:
    assert truth_summary(stage(tmp_path)) is None
    assert not truth_table(stage(tmp_path)).exists()


def test_the_summary_is_read_beside_the_table(tmp_path: Path) -> None:
    file = truth_table(stage(tmp_path)).with_suffix(".json")
    file.parent.mkdir()
    file.write_text(json.dumps({"seed": 7}), encoding="utf-8")
    assert truth_summary(stage(tmp_path)) == {"seed": 7}
