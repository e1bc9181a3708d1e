"""The measurements tell the label that was planted, through the definition's own code."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.config.sections import LabelConfig
from components.ingest.records import Record
from components.ingest.sources import manifest
from components.ingest.sources.measurements import Measurement
from components.ingest.synthetic.block import draw
from components.ingest.synthetic.measurements import MEASUREMENT_COLUMNS, measurement_rows
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.recordings import Drawn, Rows
from components.preprocess import labels
from components.preprocess.derived import derive_ctrcd

LABEL = LabelConfig(name="ctrcd", definition="d", prediction_time="t", horizon_days=365,
                    derive="ctrcd")  # fmt: skip


def rows_of(drawn: Drawn) -> list[Rows]:
    return [
        Rows(manifest={"patient_id": f"P{i}"}, patient=i, flags=[])
        for i in range(drawn.cohort.size)
    ]


@pytest.fixture(scope="module")
def blocks() -> list[Drawn]:
    options = SyntheticOptions(patients=2000)
    return [draw(options, block) for block in range(8)]


def _tables(drawn: Drawn) -> tuple[pd.DataFrame, pd.DataFrame]:
    lines = list(measurement_rows(drawn, rows_of(drawn), 1))
    table = pd.DataFrame(lines, columns=list(MEASUREMENT_COLUMNS))
    table["value"] = pd.to_numeric(table["value"]).abs()
    table = table.assign(time=pd.NaT, day=table["time"].astype(float), below=False, row=2)
    outcomes = drawn.outcomes
    frame = pd.DataFrame(
        {
            "patient_id": [f"P{i}" for i in range(drawn.cohort.size)],
            "row": 2,
            "label": pd.Series(outcomes.label).astype("Int8"),
            "index_time": pd.Timestamp("2020-01-01"),
            "event_time_days": np.nan,
            "followup_days": outcomes.followup_days,
            "death_days": outcomes.death_day,
        }
    )
    return frame, table.astype({"time": "datetime64[ns]"})


def test_the_definition_gives_back_label_and_day(blocks: list[Drawn]) -> None:
    grades: list[str] = []
    for drawn in blocks:
        frame, table = _tables(drawn)
        found = derive_ctrcd(frame, table, LABEL)
        assert found.rejects == []
        outcomes = drawn.outcomes
        np.testing.assert_array_equal(found.frame["event_time_days"], outcomes.event_day)
        np.testing.assert_array_equal(found.frame["followup_days"], outcomes.followup_days)
        label = labels.derive(found.frame, LABEL).label
        np.testing.assert_array_equal(label.astype("float64"), outcomes.label)
        grades += found.frame["ctrcd_grade"].tolist()
    shares = pd.Series(grades).value_counts()
    assert set(shares.index) == {"none", "mild", "moderate", "severe"}
    assert shares.min() > 10


def test_some_have_strain_and_troponin(blocks: list[Drawn]) -> None:
    _, table = _tables(blocks[0])
    patients = table.groupby("name")["patient_id"].nunique() / 250
    assert patients["lvef"] == 1
    assert 0.6 < patients["gls"] < 0.8
    assert 0.4 < patients["troponin_t"] < 0.6


def test_files_are_read_back_by_the_source(small_cohort: Path) -> None:
    with (small_cohort / "measurements.csv").open() as stream:
        lines = list(csv.DictReader(stream))
    assert all(line["value"].startswith("-") for line in lines if line["name"] == "gls")
    options = manifest.Options(measurements="measurements.csv")
    found: list[Any] = list(manifest.measurements(small_cohort, options) or ())
    assert len(found) == len(lines)
    assert all(isinstance(each, Measurement) for each in found)
    known = {r.patient_id for r in manifest.read(small_cohort, options) if isinstance(r, Record)}
    assert {each.patient_id for each in found} == known


def test_the_measurements_of_a_patient_do_not_depend_on_the_size(
    small_cohort: Path, tmp_path: Path
) -> None:
    from components.ingest.synthetic.generate import generate

    generate(tmp_path, SyntheticOptions(patients=20))
    small = (tmp_path / "measurements.csv").read_text()
    assert (small_cohort / "measurements.csv").read_text().startswith(small)
