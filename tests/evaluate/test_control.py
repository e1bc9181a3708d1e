"""Labels shuffled among the patients: nothing is left to find, and the run says what it is."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core import stages
from components.core.control import is_control
from components.core.data.cohort import read_part, rows_of
from components.core.metrics.bootstrap import bootstrap
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import Plan
from components.core.store import Stage
from components.evaluate.analyses import shuffled_labels
from components.evaluate.baselines import Features, fit_predict
from scripts.shuffled_labels import CHAIN, Row, holds_chance, passed, table
from tests.chain import (
    TABULAR_OPTIONS,
    ingest_config,
    ingested,
    prepared,
    write_tabular_cohort,
)
from tests.evaluate.conftest import Example

HALF_TESTED = {"method": "holdout", "fractions": (0.4, 0.1, 0.5)}


def auroc(stage: Stage) -> Interval:
    seen = [read_part(stage, "holdout", part) for part in ("train", "val")]
    test = rows_of(stage, "holdout", "test")
    logit = fit_predict("logistic_regression", seen, test, Features(500))
    patients = test.frame["patient_id"].to_numpy()
    plan = Plan(draws=500)
    return bootstrap(test.label, logit, patients, metrics=["auroc"], plan=plan)["auroc"]


def test_skill_goes_with_the_labels(tmp_path: Path, data_folder: Path) -> None:
    path = write_tabular_cohort(tmp_path, patients=500)
    source = ingested(ingest_config("table", path, TABULAR_OPTIONS))
    assert auroc(prepared(source, split=HALF_TESTED)).lo > 0.75
    found = [
        auroc(prepared(source, label={"shuffle": seed}, split=HALF_TESTED)) for seed in range(8)
    ]
    # One AUROC of 250 patients has an SD of 0.037 by chance, the mean of eight of 0.013.
    assert np.mean([each.value for each in found]) == pytest.approx(0.5, abs=0.04)
    assert sum(holds_chance(each) for each in found) >= 6


def test_a_control_says_so_and_cannot_be_promoted(examples: Callable[[str], Example]) -> None:
    done = examples("shuffled")
    assert is_control(done.behind.cohort)
    assert done.stage.facts["tags"]["promotable"] == "no, the labels were shuffled"
    report = (done.stage.folder / "report.html").read_text()
    assert "labels were shuffled among the patients (seed 1)" in report
    assert any("Control: the labels" in line for line in done.stage.facts["headline"])
    assert not is_control(examples("holdout").behind.cohort)
    own = (examples("holdout").stage.folder / "report.html").read_text()
    assert "Control with shuffled labels" not in own


@pytest.mark.parametrize(
    ("skill", "words"), [(0.0, "holds chance (0.500), as it should"), (3.0, "leaves out chance")]
)
def test_the_verdict_on_a_control(skill: float, words: str) -> None:
    rng = np.random.default_rng(0)
    label = np.arange(200) % 2
    frame = pd.DataFrame(
        {
            "patient_id": [f"p{i}" for i in range(200)],
            "label": label,
            "weight": 1.0,
            "logit": skill * label + rng.normal(size=200),
        }
    )
    context: Any = SimpleNamespace(
        tables=SimpleNamespace(pooled=frame, folded=False),
        plan=Plan(draws=200),
        stages=SimpleNamespace(cohort=SimpleNamespace(facts={"labels_shuffled": 0})),
    )
    assert shuffled_labels.applies(context)
    section = shuffled_labels.analyse(context)
    assert words in section.text[0]
    assert [notice.level for notice in section.notices] == ["warning"]


def rows(*values: float, width: float = 0.1) -> list[Row]:
    plain = Row(None, 500, 60, 9.0, {"network": Interval(0.8, 0.7, 0.9, 10, 0, "m")})
    return [plain] + [
        Row(i, 500, 60, 9.0, {"network": Interval(v, v - width, v + width, 10, 0, "m")})
        for i, v in enumerate(values)
    ]


def test_the_script_goes_through_components_that_have_a_command() -> None:
    upstream = [stages.FACTS[each].upstream for each in CHAIN]
    assert upstream == ["", *CHAIN[:-1]]
    assert all(importlib.util.find_spec(f"components.{each}.cli") for each in CHAIN)


def test_the_table_of_the_script_judges_the_shuffles() -> None:
    fair = rows(0.45, 0.55, 0.5)
    assert passed(fair[1:], "network")
    text = table(fair)
    assert "| not shuffled | 500 | 60 | 9 | 0.800 (0.700 to 0.900) |" in text
    assert text.endswith("mean 0.500 over 3 shuffles, 3 of 3 intervals hold 0.500: as it must be.")
    assert not passed(rows(0.53, 0.53)[1:], "network")
    narrow = rows(0.45, 0.55, 0.5, width=0.01)
    assert not passed(narrow[1:], "network")
    assert "1 of 3 intervals hold 0.500: **not as it must be**." in table(narrow)
