"""The page of a search and its table of trials."""

from __future__ import annotations

import re
from pathlib import Path

import optuna
import pandas as pd
import pytest

from components.train.tuning.objective import Report, Score, Settings
from components.train.tuning.pages import Searched, pictures, table_of, write_pages
from components.train.tuning.study import search
from tests.train.tuning import toys


def searched(trials: int, *, constant: bool = False) -> Searched:
    def objective(settings: Settings, number: int, report: Report) -> Score:
        if number == 3:
            raise optuna.TrialPruned
        if number == 4:
            raise ValueError
        value = 0.5 if constant else toys.value_of(settings)
        return Score(value=value, figures={"val/auroc": value})

    factory = toys.factory("parabola")
    return search(toys.plan(trials=trials), factory=factory, objective=objective)


def test_the_page_shows_four_pictures_and_loads_nothing(data_folder: Path, tmp_path: Path) -> None:
    found = searched(8)
    page, parquet, csv = write_pages(found, tmp_path / "pages")
    text = page.read_text()
    for name in ("history", "importances", "parallel", "slice"):
        assert re.search(rf'Plotly\.newPlot\(\s*"{name}"', text)
    own = re.sub(r"<script>.*?</script>", "", text, flags=re.S)
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", own)
    assert len(re.findall(r"\* plotly\.js v\d", text)) == 1
    assert f"Best auroc on validation: {found.value:.3f}" in text
    frame = pd.read_parquet(parquet)
    assert list(frame["number"]) == list(range(8))
    assert list(frame["state"]).count("complete") == 6
    assert frame.loc[4, "reason"] == "fault: ValueError"
    assert frame.loc[0, "val/auroc"] == frame.loc[0, "value"]
    assert list(pd.read_csv(csv).columns) == list(frame.columns)


@pytest.mark.parametrize(("trials", "constant"), [(1, False), (3, True), (7, True)])
def test_few_or_equal_trials_leave_out_what_they_cannot_show(
    data_folder: Path, tmp_path: Path, trials: int, constant: bool
) -> None:
    found = searched(trials, constant=constant)
    missing = {each.name: each.missing for each in pictures(found)}
    assert "all completed trials have the same value" in missing.pop("importances")
    assert set(missing.values()) == {""}
    page, *_ = write_pages(found, tmp_path)
    assert "all completed trials have the same value" in page.read_text()


def test_a_picture_that_fails_says_why(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ValueError("no slice today")

    monkeypatch.setattr("optuna.visualization.plot_slice", fails)
    assert "no slice today" in {p.name: p.missing for p in pictures(searched(3))}["slice"]


def test_the_page_is_the_same_each_time(data_folder: Path, tmp_path: Path) -> None:
    found = searched(6)
    first, second = write_pages(found, tmp_path / "a"), write_pages(found, tmp_path / "b")
    assert [f.read_bytes() for f in first] == [f.read_bytes() for f in second]


def test_a_failed_start_and_mixed_choices_are_shown(data_folder: Path, tmp_path: Path) -> None:
    def objective(settings: Settings, number: int, report: Report) -> Score:
        if number == 0:
            raise ValueError
        return Score(value=1.0)

    plan = toys.plan(trials=8)
    mixed = optuna.distributions.CategoricalDistribution(["a", None, 3, True])
    plan = type(plan)(**{**vars(plan), "space": {**plan.space, "model.kind": mixed}})
    found = search(plan, factory=toys.factory("parabola"), objective=objective)
    page, parquet, _ = write_pages(found, tmp_path)
    assert "the untuned settings failed" in page.read_text()
    kinds = set(pd.read_parquet(parquet)["model.kind"].dropna())
    assert kinds <= {"a", "3", "True"}
    assert len(table_of(found)) == 8
