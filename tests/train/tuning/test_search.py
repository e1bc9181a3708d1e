"""A search in one process: budget, going on, failures, what is said."""

from __future__ import annotations

import math
import sqlite3
from collections import defaultdict
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from components.core.errors import CardioError, ConfigError, InputError, StorageError
from components.train.tuning import trial as trial_module
from components.train.tuning.objective import Report, Score, Settings
from components.train.tuning.plan import prunes
from components.train.tuning.study import search, study_file
from tests.train.tuning import toys

PARABOLA = toys.factory("parabola")


def test_the_untuned_settings_come_first_and_the_best_wins(data_folder: Path) -> None:
    found = search(toys.plan(trials=8), factory=PARABOLA)
    assert found.states == {"complete": 8}
    assert found.trials[0].params == toys.START
    assert found.untuned == pytest.approx(toys.value_of(toys.START))
    values = [each.value for each in found.trials]
    assert found.value == max(value for value in values if value is not None)
    assert found.best == found.trials[found.number].params
    assert study_file("toy").is_file()


def test_a_search_goes_on_where_it_stopped(data_folder: Path, tmp_path: Path) -> None:
    def settings(file: Path, *steps: int) -> list[dict[str, object]]:
        for trials in steps:
            found = search(toys.plan(trials=trials, sampler="tpe"), factory=PARABOLA, file=file)
        return [each.params for each in found.trials]

    whole = settings(tmp_path / "whole.db", 14)
    assert settings(tmp_path / "parts.db", 3, 12, 14) == whole
    assert len({each["model.x"] for each in whole}) == 14


def test_a_smaller_budget_gives_what_it_would_have_given_alone(
    data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = search(toys.plan(trials=6), factory=PARABOLA)
    capsys.readouterr()
    found = search(toys.plan(trials=2), factory=PARABOLA)
    alone = search(toys.plan(trials=2), factory=PARABOLA, file=tmp_path / "alone.db")
    assert found.states == {"complete": 2}
    assert (found.number, found.value, found.best) == (alone.number, alone.value, alone.best)
    assert found.value < more.value  # the case in which the others would show
    assert [each.params for each in found.trials] == [each.params for each in alone.trials]
    assert capsys.readouterr().err.startswith(f"trials: 2/2, best {alone.value:.4g} ")
    assert len(search(toys.plan(trials=6), factory=PARABOLA).trials) == 6


def test_tpe_comes_nearer_than_chance(data_folder: Path, tmp_path: Path) -> None:
    def late(sampler: str) -> float:
        plan = toys.plan(trials=40, sampler=sampler)
        found = search(plan, factory=PARABOLA, file=tmp_path / f"{sampler}.db")
        last = [each.value or 0.0 for each in found.trials[20:]]
        return sum(last) / len(last)

    assert late("tpe") > late("random") + 0.05


def test_another_search_of_the_same_name_is_refused(data_folder: Path) -> None:
    search(toys.plan(trials=1), factory=PARABOLA)
    with pytest.raises(
        ConfigError, match=r"'toy' searches for something else, .*: tune\.seed diff"
    ):
        search(toys.plan(trials=1, seed=1), factory=PARABOLA)


def test_a_study_of_something_else_is_refused(data_folder: Path) -> None:
    study_file("toy").parent.mkdir(parents=True)
    study = optuna.create_study(study_name="toy", storage=f"sqlite:///{study_file('toy')}")
    study.optimize(lambda _: 1.0, n_trials=1)
    with pytest.raises(ConfigError, match="'toy' was made by something else; choose another"):
        search(toys.plan(), factory=PARABOLA)


def test_failed_trials_count_and_are_told(
    data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def objective(settings: Settings, number: int, report: Report) -> Score:
        if number in (1, 3):
            raise InputError(f"odd {number}")
        return Score(value=toys.value_of(settings))

    found = search(toys.plan(trials=5), factory=PARABOLA, objective=objective)
    assert found.states == {"complete": 3, "failed": 2}
    assert found.trials[3].user_attrs["reason"] == "odd 3"
    assert "trials: 5/5, best" in capsys.readouterr().err


def test_three_failures_in_a_row_with_the_same_error_stop_the_search(data_folder: Path) -> None:
    with pytest.raises(InputError, match="the cohort has no events"):
        search(toys.plan(trials=9), factory=toys.factory("broken", after=2))
    found = search(toys.plan(trials=9), factory=PARABOLA)
    assert found.states == {"complete": 6, "failed": 3}


def test_different_errors_do_not_stop_it(data_folder: Path) -> None:
    def objective(settings: Settings, number: int, report: Report) -> Score:
        if number:
            raise ValueError if number % 2 else TypeError
        return Score(value=1.0)

    found = search(toys.plan(trials=7), factory=PARABOLA, objective=objective)
    assert found.states == {"complete": 1, "failed": 6}
    # The type alone: a foreign message may quote a patient's data.
    assert found.trials[1].user_attrs["reason"] == "fault: ValueError"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_diverging_trial_fails_and_the_others_go_on(data_folder: Path, value: float) -> None:
    def objective(settings: Settings, number: int, report: Report) -> Score:
        if number == 1:
            report(0, value)
        return Score(value=value if number in (2, 3) else 1.0)

    found = search(toys.plan(trials=5), factory=PARABOLA, objective=objective)
    assert found.states == {"complete": 2, "failed": 3}
    assert f"was {value} after step 0" in found.trials[1].user_attrs["reason"]
    assert f"was {value} at the end" in found.trials[2].user_attrs["reason"]


def test_without_a_complete_trial_there_is_no_best(data_folder: Path) -> None:
    with pytest.raises(CardioError, match=r"no trial of the study 'toy' was completed; .*no event"):
        search(toys.plan(trials=2), factory=toys.factory("broken"))


def test_no_trial_begins_after_the_time_is_up(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CardioError, match=r"no trial .* was completed; allow more 'tune\.minutes'"):
        search(toys.plan(minutes=1e-9), factory=PARABOLA)


def test_an_interrupted_trial_is_given_back_with_its_settings(data_folder: Path) -> None:
    def objective(settings: Settings, number: int, report: Report) -> Score:
        if number == 2:
            raise KeyboardInterrupt
        return Score(value=1.0)

    with pytest.raises(KeyboardInterrupt):
        search(toys.plan(retries=0), factory=PARABOLA, objective=objective)
    found = search(toys.plan(retries=0), factory=PARABOLA)
    assert found.states == {"complete": 6}
    first, second = toys.by_slot(list(found.trials))[2]
    assert (first.state, second.state) == (TrialState.FAIL, TrialState.COMPLETE)
    assert first.params == second.params


def test_a_full_disk_stops_the_search_and_costs_no_trial(data_folder: Path) -> None:
    def objective(settings: Settings, number: int, report: Report) -> Score:
        raise StorageError("the disk is full")

    with pytest.raises(StorageError, match="the disk is full"):
        search(toys.plan(), factory=PARABOLA, objective=objective)
    assert search(toys.plan(), factory=PARABOLA).states == {"complete": 6}


def test_hopeless_trials_are_pruned_but_never_the_untuned_one(data_folder: Path) -> None:
    def objective(settings: Settings, number: int, report: Report) -> Score:
        good = 1.0 if 0 < number < 7 else 0.0
        for step in range(3):
            report(step, good)
        return Score(value=good)

    plan = toys.plan(3, trials=10, pruner="median")
    found = search(plan, factory=PARABOLA, objective=objective)
    assert found.states == {"complete": 7, "pruned": 3}
    again = search(plan, factory=PARABOLA, objective=objective)
    assert again.untuned == 0.0


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
@pytest.mark.parametrize(("steps", "saved"), [(1, False), (2, False), (3, True)])
def test_a_trial_is_pruned_where_that_saves_a_step_and_never_after_the_last(
    data_folder: Path, pruner: str, steps: int, saved: bool
) -> None:
    """As many steps as inner folds: each is a fit, and the value is there after the last."""
    begun: dict[int, int] = defaultdict(int)

    def objective(settings: Settings, number: int, report: Report) -> Score:
        for step in range(steps):
            begun[number] += 1
            report(step, -float(number))  # each trial is worse than all before
        return Score(value=-float(number))

    plan = toys.plan(steps, trials=12, pruner=pruner)
    found = search(plan, factory=PARABOLA, objective=objective)
    pruned = [each.number for each in found.trials if each.state == TrialState.PRUNED]
    assert bool(pruned) == saved == prunes(plan.tune, steps)
    assert {begun[number] for number in pruned} <= {2}


@pytest.mark.parametrize(
    ("unpruned", "states"), [(1 / 3, {"complete": 9}), (0.0, {"complete": 8, "pruned": 1})]
)
def test_what_learns_slowly_is_spared_at_first(
    data_folder: Path, unpruned: float, states: dict[str, int]
) -> None:
    def objective(settings: Settings, number: int, report: Report) -> Score:
        for step in range(10):
            report(step, 0.0 if number == 8 and step < 4 else 1.0 + number)
        return Score(value=1.0 + number)

    plan = toys.plan(10, trials=9, pruner="median", unpruned=unpruned)
    assert search(plan, factory=PARABOLA, objective=objective).states == states


@pytest.mark.parametrize("pruner", ["hyperband", "none"])
def test_every_pruner_and_a_loss(data_folder: Path, pruner: str) -> None:
    plan = toys.plan(5, pruner=pruner, objective="loss", trials=8)
    found = search(plan, factory=toys.factory("stepwise"))
    ended = [each for each in found.trials if each.state == TrialState.COMPLETE]
    assert found.value == min(each.value or 0.0 for each in ended)
    assert ("pruned" in found.states) == (pruner == "hyperband")


def test_what_no_longer_answers_is_told(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_module, "_PAUSES_S", (0.0, 0.0))

    def objective(settings: Settings, number: int, report: Report) -> Score:
        with sqlite3.connect(study_file("toy")) as connection:
            connection.execute("DROP TABLE trial_intermediate_values")
        report(0, 1.0)
        return Score(value=1.0)

    with pytest.raises(StorageError, match=r"'toy\.db' no longer answers .*tried again"):
        search(toys.plan(), factory=PARABOLA, objective=objective)


def test_a_factory_that_is_not_there(data_folder: Path) -> None:
    for name in ("nothing", "nowhere:at_all", f"{toys.MODULE}:absent"):
        with pytest.raises(ConfigError, match=f"no function '{name}' to make the objective"):
            search(toys.plan(), factory=toys.Factory(function=name))
