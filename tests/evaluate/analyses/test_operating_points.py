"""Figures at thresholds: scikit-learn's, aggregates only, and silent where events are few."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from components.core.metrics.calibration import logit
from components.core.metrics.recalibrate import Identity
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import PatientTables
from components.core.report.section import Section
from components.evaluate.analyses import operating_points
from components.evaluate.analyses.operating_points import analyse, chosen_threshold

CUT = 0.1234


def tables(patients: int = 600, *, folded: bool = False, **more: Any) -> PatientTables:
    rng = np.random.default_rng(0)
    y = (rng.random(patients) < 0.2).astype(float)
    prob = 1 / (1 + np.exp(-(rng.normal(size=patients) + 1.5 * y - 2)))
    columns = {"label": y, "weight": 1.0, "calibrated_logit": logit(prob), "margin": prob - CUT}
    frame = pd.DataFrame({"patient_id": [f"secret{i}" for i in range(patients)], **columns, **more})
    return PatientTables(each=frame, pooled=frame, folded=folded)


def context_of(data: PatientTables) -> Any:
    own = SimpleNamespace(threshold=logit(CUT), recalibrator=Identity())
    tests = [SimpleNamespace(calibration=own)]
    return SimpleNamespace(tables=data, plan=Plan(draws=100), tests=tests)


def analysed(data: PatientTables) -> Section:
    context = context_of(data)
    assert operating_points.applies(context)
    return analyse(context)


@pytest.fixture(scope="module")
def section() -> Section:
    return analysed(tables())


def test_figures_at_a_threshold_are_scikit_learns(section: Section) -> None:
    frame = tables().pooled
    called = frame["calibrated_logit"] >= logit(np.array([0.2]))[0]
    y = frame["label"]
    (row,) = [row for row in section.tables[0].rows if row[0] == "20 %"]
    expected = [
        sk.recall_score(y, called), sk.recall_score(1 - y, ~called),
        sk.precision_score(y, called), sk.precision_score(1 - y, ~called),
    ]  # fmt: skip
    assert [cell.split(" (")[0] for cell in row[1:5]] == [f"{value:.2f}" for value in expected]
    hits = 1000 * (y * called).mean()
    assert row[5] == (
        f"{1000 * called.mean():.0f} called, {hits:.0f} of them with event; "
        f"{1000 * y.mean() - hits:.0f} missed"
    )


def test_the_script_gets_the_same_figures_as_the_table(section: Section) -> None:
    assert section.live is not None
    data: Any = section.live.data
    at = data["threshold"].index(0.2)
    (row,) = [row for row in section.tables[0].rows if row[0] == "20 %"]
    for cell, each in zip(row[1:5], list(data["figures"].values())[:4], strict=True):
        value, lo, hi = (each[part][at] for part in ("value", "lo", "hi"))
        assert lo <= value <= hi
        shown = [float(part) for part in re.findall(r"\d\.\d+", cell)]
        assert shown == pytest.approx([value, lo, hi], abs=0.0051)
    assert data["prevalence"] == pytest.approx(tables().pooled["label"].mean(), abs=1e-5)
    assert data["threshold"][data["start"]] == data["chosen"]


def test_what_is_shown_is_no_patients(section: Section) -> None:
    """Thresholds are round ones and the operating point, which lies between two patients."""
    assert section.live is not None
    data: Any = section.live.data
    grid = np.array(data["threshold"])
    assert grid.size <= 400
    assert set(np.round(grid * 1000 % 1, 6)) <= {0.0, round(data["chosen"] * 1000 % 1, 6)}
    assert grid.max() <= 1 / (1 + np.exp(-tables().pooled["calibrated_logit"].max()))
    assert "secret" not in json.dumps(dict(data)) + repr(section.tables)


def test_the_operating_point_gives_the_same_table_as_the_margin() -> None:
    data = tables()
    chosen = chosen_threshold(context_of(data))
    assert chosen is not None
    assert chosen == pytest.approx(CUT)
    called = data.pooled["calibrated_logit"] >= np.log(chosen / (1 - chosen))
    assert (called == (data.pooled["margin"] >= 0)).all()
    assert f"{100 * chosen:.3g} % (chosen on validation)" in repr(analysed(data).tables)


@pytest.mark.parametrize(
    "changed",
    [{"folded": True}, {"margin": 1.0}, {"margin": -1.0}, {"margin": [1.0, -1.0] * 300}],
)
def test_where_there_is_no_one_operating_point_none_is_shown(changed: dict[str, Any]) -> None:
    data = tables(**changed)
    assert chosen_threshold(context_of(data)) is None
    found = analysed(data)
    assert "chosen on validation" not in repr(found.tables)
    assert found.live is not None
    start = found.live.data["threshold"][found.live.data["start"]]
    assert start == pytest.approx(data.pooled["label"].mean(), abs=0.005)


def test_few_events_give_intervals_and_no_counts() -> None:
    found = analysed(tables(60))
    assert found.live is None
    assert "Of 1,000 patients" not in found.tables[0].header
    assert found.text[1].startswith("Underpowered: fewer than 20")


def test_predictions_below_every_threshold_leave_nothing_to_move() -> None:
    low = analysed(tables(calibrated_logit=-9.0))
    assert low.live is None
    assert "undefined" in repr(low.tables)
