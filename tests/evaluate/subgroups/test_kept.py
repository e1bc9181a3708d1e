"""The groups kept for comparisons: order, safe names, unknown values, one row per patient."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from components.core.comparison.groups import COLUMNS, read_groups
from components.evaluate.subgroups.grouping import Column
from components.evaluate.subgroups.kept import groups_table
from tests.evaluate.conftest import Example


def test_values_keep_their_order_and_pooled_ones_are_other() -> None:
    values = {"a": "75+", "b": "under 18", "c": "other (2 values)", "d": "under 18"}
    column = Column(
        name="age band", of_patient=pd.Series(values),
        shown=("under 18", "75+", "other (2 values)"),
        keys={"under 18": "under_18", "75+": "75_", "other (2 values)": "other"},
    )  # fmt: skip
    found = groups_table([column], pd.Series(["a", "b", "c", "d", "a", "unknown"]))
    assert tuple(found.columns) == COLUMNS
    assert found["patient_id"].tolist() == ["b", "d", "a", "c"]
    assert found["column"].unique().tolist() == ["age_band"]
    assert found["key"].tolist() == ["under_18", "under_18", "75_", "other"]


def test_no_column_makes_an_empty_table() -> None:
    found = groups_table([], pd.Series(["a"]))
    assert found.empty
    assert tuple(found.columns) == COLUMNS


def test_an_evaluation_keeps_the_groups_that_its_report_shows(
    examples: Callable[[str], Example],
) -> None:
    done = examples("ecg")
    found = read_groups(done.stage.folder)
    assert found is not None
    assert set(found["patient_id"]) <= set(done.predictions["patient_id"])
    assert not found.duplicated(["patient_id", "column"]).any()
    figures = done.stage.facts["figures"]
    for (column, key), part in found.groupby(["column", "key"]):
        assert figures[f"subgroup/{column}/{key}/patients"] == len(part)
    assert "groups.parquet" not in done.stage.facts["published"]


def test_an_older_evaluation_has_none(tmp_path: Path) -> None:
    assert read_groups(tmp_path) is None
