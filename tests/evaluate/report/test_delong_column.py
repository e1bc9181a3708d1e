"""DeLong's test in the table of the simple models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from components.core.metrics.delong import DeLong
from components.core.metrics.tables import PatientTables
from components.evaluate.figures import delong_test
from components.evaluate.report import tables
from components.evaluate.report.data import Baseline, ReportData
from tests.evaluate.report.example import example

TEST = DeLong(aurocs=(0.8, 0.7), difference=0.1, error=0.04, lo=0.02, hi=0.18, p=0.012)


def with_tests(*found: DeLong | str | None) -> ReportData:
    data = example(patients=300, drawn=False)
    one = data.baselines[0]
    return replace(
        data,
        baselines=tuple(
            Baseline(name=f"m{i}", figures=one.figures, difference=one.difference, delong=test)
            for i, test in enumerate(found)
        ),
    )


def test_the_last_column_is_the_test() -> None:
    table = tables.baselines(with_tests(TEST, "not here."))
    assert table.header[-1] == "DeLong's test of the AUROCs"
    assert [row[-1] for row in table.rows] == ["", "0.100 (0.020 to 0.180), p = 0.012", "not given"]
    assert {len(row) for row in table.rows} == {len(table.header)}
    assert "not here. DeLong's test: normal approximation" in table.note


def test_a_reason_is_told_once_and_takes_no_column() -> None:
    plain, told = tables.baselines(with_tests(None)), tables.baselines(with_tests("why", "why"))
    assert told.header == plain.header
    assert told.note.count("why") == 1
    assert "DeLong" not in plain.note


def test_one_patient_in_a_class_has_no_test() -> None:
    frame = pd.DataFrame(
        {
            "patient_id": list("abc"),
            "label": [0, 0, 1],
            "weight": np.ones(3),
            "logit": [0.0, 1.0, 2.0],
            "logit.other": [0.0, 2.0, 1.0],
        }
    )
    found = delong_test(PatientTables(each=frame, pooled=frame, folded=False), "logit.other")
    assert found == "DeLong's test is not given: it needs two patients in either class."
