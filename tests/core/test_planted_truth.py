"""The planted truth is found where ingest lays it, and missed where nothing was planted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from components.core.planted_factors import PlantedFactors, PlantedModality
from components.core.planted_factors_file import write_factors
from components.core.planted_truth import FACTORS, truth_factors, truth_summary, truth_table
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


def test_the_joint_distribution_is_read_where_there_is_one(tmp_path: Path) -> None:
    assert truth_factors(stage(tmp_path)) is None
    file = truth_table(stage(tmp_path)).with_name(FACTORS)
    file.parent.mkdir()
    own = PlantedModality(mean=np.zeros(2), loadings=np.ones((2, 3)), noise=np.ones(2))
    write_factors(file, PlantedFactors(modalities={"a": own}, risks={"death": np.ones(3)}))
    found = truth_factors(stage(tmp_path))
    assert found is not None
    assert found.size == 3
