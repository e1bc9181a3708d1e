"""The page of a search and its table of trials."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import optuna
import pandas as pd
import pytest

from components.core.store import Workspace
from components.train.tuning.objective import Report, Score, Settings
from components.train.tuning.pages import Searched, pictures, render, table_of
from components.train.tuning.results import TRIALS, Found, write_tables
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


def test_the_page_shows_four_pictures_and_loads_nothing(data_folder: Path) -> None:
    found = searched(8)
    table = table_of(found)
    text = render(found, table)
    for name in ("history", "importances", "parallel", "slice"):
        assert re.search(rf'Plotly\.newPlot\(\s*"{name}"', text)
    own = re.sub(r"<script>.*?</script>", "", text, flags=re.S)
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", own)
    assert len(re.findall(r"\* plotly\.js v\d", text)) == 1
    assert f"Best auroc on validation: {found.value:.3f}" in text
    assert text.count("<td>pruned</td>") == 1


def test_the_table_says_all_of_every_trial_of_every_search(
    data_folder: Path, tmp_path: Path
) -> None:
    searches = {"r0f0": searched(8), "refit": searched(3, constant=True)}
    parquet, csv = written(searches, tmp_path)
    assert list(parquet["fold"]) == ["r0f0"] * 8 + ["refit"] * 3
    frame = parquet[parquet["fold"] == "r0f0"]
    assert list(frame["number"]) == list(range(8))
    assert list(frame["state"]).count("complete") == 6
    assert frame.loc[4, "reason"] == "fault: ValueError"
    assert frame.loc[0, "val/auroc"] == frame.loc[0, "value"]
    assert list(csv.columns) == list(parquet.columns)


def written(searches: dict[str, Searched], folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `trials.parquet` and `trials.csv` of searches by fold, as the stage keeps them."""
    found = [
        Found(
            name=fold, fold=fold, settings=done.best, number=done.number, value=done.value,
            untuned=done.untuned, states=done.states, trials=table_of(done),
        )
        for fold, done in searches.items()
    ]  # fmt: skip
    write_tables(Workspace(folder=folder), found)
    return pd.read_parquet(folder / TRIALS), pd.read_csv(folder / "trials.csv")


@pytest.mark.parametrize(("trials", "constant"), [(1, False), (3, True), (7, True)])
def test_few_or_equal_trials_leave_out_what_they_cannot_show(
    data_folder: Path, trials: int, constant: bool
) -> None:
    found = searched(trials, constant=constant)
    missing = {each.name: each.missing for each in pictures(found)}
    assert "all completed trials have the same value" in missing.pop("importances")
    assert set(missing.values()) == {""}
    page = render(found, table_of(found))
    assert "all completed trials have the same value" in page


def test_a_picture_that_fails_says_why(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ValueError("no slice today")

    monkeypatch.setattr("optuna.visualization.plot_slice", fails)
    assert "no slice today" in {p.name: p.missing for p in pictures(searched(3))}["slice"]


def test_the_page_is_the_same_each_time(data_folder: Path) -> None:
    found = searched(6)
    assert render(found, table_of(found)) == render(found, table_of(found))


def mixed(trials: int, file: Path, seed: int = 0) -> Searched:
    """A search whose untuned trial fails, over choices of several types."""

    def objective(settings: Settings, number: int, report: Report) -> Score:
        if number == 0:
            raise ValueError
        return Score(value=1.0)

    plan = toys.plan(trials=trials, seed=seed)
    kinds = optuna.distributions.CategoricalDistribution(["a", None, 3, True])
    plan = replace(
        plan,
        space={**plan.space, "model.kind": kinds},
        untuned={**plan.untuned, "model.kind": 3},
    )
    return search(plan, factory=toys.factory("parabola"), objective=objective, file=file)


def test_a_failed_start_and_mixed_choices_are_shown(data_folder: Path, tmp_path: Path) -> None:
    found = mixed(8, tmp_path / "s.db")
    assert "the untuned settings failed" in render(found, table_of(found))
    parquet, _ = written({"": found}, tmp_path)
    assert len(parquet) == 8
    assert set(parquet["model.kind"].dropna()) <= {"a", "3", "True"}


def test_mixed_choices_are_text_in_every_search_whatever_it_has_drawn(
    data_folder: Path, tmp_path: Path
) -> None:
    """One search may have drawn numbers alone, another words: their table has one column."""
    searches = {str(n): mixed(2, tmp_path / f"{n}.db", seed=n) for n in range(8)}
    drawn = [{type(each.params["model.kind"]) for each in s.trials} for s in searches.values()]
    assert {str, int} in drawn
    assert {int} in drawn
    parquet, _ = written(searches, tmp_path)
    assert set(parquet["model.kind"].dropna()) == {"a", "3", "True"}
