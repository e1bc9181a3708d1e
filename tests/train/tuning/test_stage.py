"""Which searches there are, what they cost, and the stage that keeps what they came to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from components.core.config.task import TaskConfig
from components.core.errors import ConfigError, InputError
from components.core.store import Stage, Workspace, read_stage
from components.core.versions import library_versions
from components.train.run import prepared_cohort
from components.train.tuning import run, trials
from components.train.tuning.cli import main
from components.train.tuning.plan import Plan, open_study, plan_of
from components.train.tuning.results import Found, gain, write
from components.train.tuning.searches import Search, is_seen, say_cost, searches
from components.train.tuning.storage import open_storage
from tests.chain import task_config, write_task

FIT = {"epochs": 2, "batch": 16, "device": "cpu", "precision": "fp32"}


def task(**tune: Any) -> TaskConfig:
    return task_config(fit=FIT, tune={"trials": 2, "inner_folds": 2, **tune})


def wanted(audit: Stage, own: TaskConfig) -> list[Search]:
    return searches(audit, prepared_cohort(audit), own)


def found(search: Search, value: float = 0.7, **more: Any) -> Found:
    plain: dict[str, Any] = {
        "settings": {"model.hidden": 16}, "number": 1, "value": value, "untuned": 0.6,
        "states": {"complete": 1, "pruned": 1},
        "trials": pd.DataFrame({"number": [0, 1], "model.hidden": [8, 16]}),
    }  # fmt: skip
    return Found(name=search.name, fold=search.fold, **plain | more)


@pytest.mark.parametrize(
    ("cohort", "nested", "folds", "fits", "seen"),
    [
        ("holdout", None, [""], 1, False),
        ("holdout", True, ["holdout"], 2, False),
        ("folded", None, ["r0f0", "r0f1", "refit"], 2, False),
        ("folded", False, [""], 2, True),
    ],
)
def test_each_outer_fold_has_a_search_where_there_are_several(
    request: pytest.FixtureRequest, stages: Path, cohort: str, nested: bool | None,
    folds: list[str], fits: int, seen: bool,
) -> None:  # fmt: skip
    audit, own = request.getfixturevalue(cohort), task(nested=nested)
    each = wanted(audit, own)
    assert [search.fold for search in each] == folds
    assert {search.fits for search in each} == {fits}
    assert [search.shown for search in each] == [False] * (len(each) - 1) + [True]
    assert len({search.name for search in each}) == len(folds)
    assert is_seen(prepared_cohort(audit), own) is seen


def test_a_study_is_named_by_what_decides_its_trials_and_not_by_their_number(
    holdout: Stage, stages: Path
) -> None:
    def name(**tune: Any) -> str:
        return wanted(holdout, task(**tune))[0].name

    assert name() == name(trials=50, minutes=3, workers=4, storage="postgresql://h/d")
    assert name(seed=1) != name()
    assert name(study="ours") == "ours"
    assert wanted(holdout, task(study="ours", nested=True))[0].name == "ours-holdout"
    about = wanted(holdout, task())[0].about
    assert about["the data"] == holdout.inputs["preprocess"]
    other = task().with_settings({"fit.patience": 3})
    assert wanted(holdout, other)[0].about != about


@pytest.mark.parametrize(
    ("changed", "told"),
    [("store.source_hash", "the code that trains"), ("library_versions", "the version of torch")],
)
def test_a_named_study_mixes_no_trials_of_different_software(
    holdout: Stage, stages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str,
    told: str,
) -> None:  # fmt: skip
    def plan() -> Plan:
        (search,) = wanted(holdout, task(study="ours"))
        return plan_of(task(study="ours"), name=search.name, about=search.about)

    opened = open_storage("", tmp_path / "s.db", heartbeat_s=1, retries=0)
    open_study(opened, plan())
    open_study(opened, plan())
    other: dict[str, Any] = {
        "store.source_hash": lambda name: "f" * 64,
        "library_versions": lambda names: {**library_versions(names), "torch": "1.0"},
    }
    monkeypatch.setattr(f"components.train.tuning.searches.{changed}", other[changed])
    with pytest.raises(
        ConfigError,
        match=rf"'ours' searches for something else, or with other software \(.*\): {told} differ; "
        r"choose another 'tune\.study', or set",
    ):
        open_study(opened, plan())


def test_settings_of_single_folds_need_a_refit(folded: Stage, stages: Path) -> None:
    own = task_config(fit=FIT | {"refit": False})
    with pytest.raises(
        ConfigError,
        match=r"searches settings for each of the 2 folds and fit\.refit is false, .*; set "
        r"fit\.refit=true or tune\.nested=false",
    ):
        wanted(folded, own)


def test_the_cost_is_told_first(
    folded: Stage, stages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for nested in (True, False):
        own = task(nested=nested, trials=30)
        say_cost(own, wanted(folded, own))
    first, second = capsys.readouterr().err.splitlines()
    assert first == (
        "search: 3 searches (r0f0, r0f1, refit) × 30 trials × 2 fit(s) = 180 fits at most, each of "
        "up to 2 epochs; no trial can be pruned before its end"
    )
    assert "search: 30 trials × 2 fit(s) = 60 fits at most" in second


@pytest.mark.parametrize(
    ("tune", "shorter"),
    [
        ({"inner_folds": 2}, False),
        ({"inner_folds": 2, "unpruned": 0}, True),
        ({"inner_folds": 3}, True),
        ({"inner_folds": 3, "unpruned": 0.34}, False),
        ({"inner_folds": 3, "unpruned": 0, "pruner": "hyperband"}, True),
        ({"inner_folds": 3, "pruner": "none"}, False),
    ],
)
def test_the_cost_says_whether_pruning_saves_any(
    folded: Stage, stages: Path, capsys: pytest.CaptureFixture[str], tune: dict[str, Any],
    shorter: bool,
) -> None:  # fmt: skip
    own = task(**tune)
    say_cost(own, wanted(folded, own))
    told = capsys.readouterr().err
    assert ("pruned trials are shorter" in told) is shorter
    assert ("no trial can be pruned before its end" in told) is not shorter


def test_every_part_is_checked_before_the_first_trial(folded: Stage, stages: Path) -> None:
    def loop(search: Search, own: TaskConfig, minutes: float | None) -> Found:
        raise AssertionError

    with pytest.raises(InputError, match="fewer than the 40 inner folds"):
        run.search(folded, task(inner_folds=40), loop)


def test_the_time_is_shared_out_evenly(
    folded: Stage, stages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, given = [0.0], list[float | None]()
    monkeypatch.setattr(run.time, "monotonic", lambda: now[0])

    def loop(search: Search, own: TaskConfig, minutes: float | None) -> Found:
        given.append(minutes)
        now[0] += 60 * 4.0
        return found(search, settings={})

    run.search(folded, task(minutes=18), loop)
    assert given == [6, 7, 10]  # 18 of three, 14 of two, 10 of one


def test_the_best_is_trained_once_more_for_its_predictions(
    folded: Stage, stages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = task()
    truth: dict[str, float] = {}

    def loop(search: Search, own: TaskConfig, minutes: float | None) -> Found:
        objective = trials.from_job(**trials.job_of(folded, own, search.fold))
        score = objective({"model.hidden": 16}, 1, lambda step, value: None)
        truth[search.fold] = score.value
        off = 0.01 if search.fold == "r0f1" else 0.0
        return found(search, score.value + off)

    done = run.search(folded, own, loop)
    for each in done:
        assert each.predictions is not None
        assert len(each.predictions) == (120 if each.fold == "refit" else 60)
        assert set(each.predictions["part"]) == {f"{each.fold}.i0", f"{each.fold}.i1"}
        assert each.epochs in (1, 2)
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    (note,) = notes
    assert f"trained once more on this machine to {truth['r0f1']:.6f}" in note


def test_one_search_over_given_parts_is_not_trained_again(
    folded: Stage, stages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials.TrainedTrials, "outcomes", None)
    (only,) = run.search(folded, task(nested=False), lambda search, own, minutes: found(search))
    assert only.predictions is None
    assert only.epochs is None


def test_the_direction_of_the_gain() -> None:
    search = Search(name="s", fold="", fits=1, shown=True, about={})
    assert gain("auroc", found(search, 0.7)) == pytest.approx(0.1)
    assert gain("loss", found(search, 0.7)) == pytest.approx(-0.1)
    assert gain("auroc", found(search, untuned=None)) is None


def test_the_stage_keeps_settings_trials_and_a_task_file(tmp_path: Path) -> None:
    fold, last = (
        Search(name=f"s-{n}", fold=n, fits=2, shown=True, about={}) for n in ("r0f0", "refit")
    )
    kept = pd.DataFrame({"patient_id": ["p"], "label": [1], "weight": [1.0], "logit": [0.3],
                         "part": ["r0f0.i0"]})  # fmt: skip
    work = Workspace(folder=tmp_path / ".tmp-abc")
    own = task(storage="postgresql://me:secret@host/db")
    write(
        work, own,
        [found(fold, predictions=kept, settings={"fit.lr": 0.5}, pages={"history.html": "<p>"}),
         found(last, predictions=kept, epochs=4)],
        seen=False,
    )  # fmt: skip
    facts = work.facts
    assert facts["settings"] == {"model.hidden": 16}
    assert facts["fold_settings"] == {"r0f0": {"fit.lr": 0.5}}
    assert facts["refit_epochs"] == 4
    assert facts["states"] == {"complete": 2, "pruned": 2}
    assert work.counts == {"searches": 2, "trials": 4}
    best = (work.folder / "best.yaml").read_text()
    assert "secret" not in best
    assert yaml.safe_load(best)["model"]["hidden"] == 16
    assert yaml.safe_load(best)["tuned"] == {
        "search": "abc", "refit_epochs": 4, "folds": {"r0f0": {"fit.lr": 0.5}},
    }  # fmt: skip
    assert list(pd.read_csv(work.folder / "trials.csv")["fold"]) == ["r0f0"] * 2 + ["refit"] * 2
    assert (work.folder / "pages" / "history.html").read_text() == "<p>"
    inner = pd.read_parquet(work.folder / "inner_predictions.parquet")
    assert list(inner["fold"]) == ["r0f0", "refit"]


Command = Callable[..., Any]


@pytest.fixture
def command(
    workspace: Any, holdout: Stage, tuned_data: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Command:  # fmt: skip
    monkeypatch.setenv("CARDIO_DATA", str(tuned_data / "data"))
    monkeypatch.setattr("components.train.run._cores", lambda: 1)
    config = write_task(tmp_path, fit=FIT | {"lr": 0.004}, tune={"trials": 3, "heartbeat_s": 1})

    def invoke() -> Any:
        return CliRunner().invoke(main, ["--config", config, "--audit-run", str(holdout.folder)])

    return invoke


def test_a_search_that_was_stopped_goes_on_and_no_lock_is_held_meanwhile(
    command: Command, tuned_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, settings = trials.TrainedTrials.__call__, list[dict[str, Any]]()
    folder = tuned_data / "data" / "search"

    def once(self: Any, own: Any, number: int, report: Any) -> Any:
        assert not folder.exists() or not list(folder.glob(".*.lock"))
        if len(settings) == 1:
            settings.append(dict(own))
            raise KeyboardInterrupt
        settings.append(dict(own))
        return plain(self, own, number, report)

    monkeypatch.setattr(trials.TrainedTrials, "__call__", once)
    stopped = command()
    assert stopped.exit_code == 130
    assert "stopped by a signal; start again and it goes on from here" in stopped.output
    done = command()
    assert done.exit_code == 0, done.output
    assert settings[1] == settings[2]  # the stopped trial itself, not another
    assert len(settings) == 4
    client = mlflow.MlflowClient()
    every = client.search_runs([client.get_experiment_by_name("toy").experiment_id])
    search = next(r for r in every if r.data.tags["component"] == "search"
                  and r.info.status == "FINISHED")  # fmt: skip
    stage = read_stage(folder / search.data.tags["fingerprint"])
    assert stage.facts["states"] == {"complete": 3}
    assert search.data.metrics["tune/best"] == stage.facts["value"]
    assert search.data.metrics["tune/trials"] == 3
    names = {a.path for a in client.list_artifacts(search.info.run_id)}
    assert {"best.yaml", "trials.parquet", "search.json", "pages"} <= names
    page = (stage.folder / "pages" / "search.html").read_text()
    assert "Parallel coordinates" in page
    children = [r for r in every if r.data.tags.get("mlflow.parentRunId") == search.info.run_id]
    assert len([r for r in children if r.info.status == "FINISHED"]) == 3
    again = command()
    assert again.exit_code == 0, again.output
    assert len(settings) == 4
