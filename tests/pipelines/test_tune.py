"""`tune`: the walk with a search in it, on entry points that run in this process."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from sklearn.metrics import roc_auc_score

from components.core import store
from components.core.config.task import TaskConfig, load_task
from components.core.errors import ConfigError, UserError
from components.evaluate.analysis import all_analyses
from pipelines.run import pipeline
from pipelines.tune.cli import main
from pipelines.tune.run import tune, with_options
from tests.chain import task_config, write_task
from tests.entries import Entries

WHOLE = ("ingest", "preprocess", "audit", "train", "evaluate")
FIT = {"epochs": 3, "batch": 16, "lr": 0.003, "device": "cpu", "precision": "fp32"}

# Analyses that this file asks nothing of.
OTHERS = sorted(set(all_analyses()) - {"tuning"})


@pytest.fixture
def whole(sections: dict[str, Any]) -> dict[str, Any]:
    return sections | {
        "stages": WHOLE,
        "fit": FIT,
        "evaluate": {"draws": 100, "baselines": ["logistic_regression"], "skip": OTHERS},
        "tune": {"trials": 3, "inner_folds": 2},
        "register_as": {"name": "toy_head"},
    }


def invoke(tmp_path: Path, *more: str, **sections: Any) -> Any:
    return CliRunner().invoke(main, ["--config", write_task(tmp_path, **sections), *more])


def parent(name: str) -> Any:
    client = mlflow.MlflowClient()
    found = client.search_runs([client.get_experiment_by_name("toy").experiment_id])
    return next(run for run in found if run.info.run_name == name)


def stage(run: Any, component: str) -> store.Stage:
    return store.read_stage(store.data_root() / component / run.data.tags[f"stage.{component}"])


def test_a_search_ends_in_a_tuned_registered_candidate(
    entries: Entries, whole: dict[str, Any], tmp_path: Path
) -> None:
    done = invoke(tmp_path, "--trials", "4", **whole)
    assert done.exit_code == 0, done.output
    assert [name for name, _ in entries.started] == [
        "ingest", "preprocess", "audit", "search", "train", "evaluate",
    ]  # fmt: skip
    run = parent("tune_toy")
    search, train = stage(run, "search"), stage(run, "train")
    facts, figures = search.facts, run.data.metrics
    assert facts["states"] == {"complete": 4}
    assert facts["value"] >= facts["untuned"]
    assert figures["tune/best"] == facts["value"]
    assert figures["tune/untuned"] == facts["untuned"]
    assert figures["tune/gain"] == pytest.approx(facts["value"] - facts["untuned"])
    assert (figures["tune/trials"], figures["tune/pruned"], figures["tune/failed"]) == (4, 0, 0)
    assert train.config["tuned"]["search"] == search.fingerprint
    for key, value in facts["settings"].items():
        section, name = key.split(".")
        assert train.config[section][name] == value
        assert run.data.params[key] == str(value)
    assert f"{facts['untuned']:.3f} untuned → {facts['value']:.3f}" in done.stderr
    assert "tuned: chosen settings: " in done.stderr
    assert "registered toy_head version 1 as @candidate" in done.stderr
    report = (stage(run, "evaluate").folder / "report.html").read_text()
    assert "How were the settings chosen, and what is that worth?" in report
    # The very model whose trial was the best: same settings, seed, data.
    (member,) = train.facts["members"]
    val = pd.read_parquet(train.folder / member["folder"] / "val_predictions.parquet")
    assert roc_auc_score(val["label"].astype(int), val["logit"]) == pytest.approx(facts["value"])
    again = invoke(tmp_path, "--trials", "4", **whole)
    assert again.exit_code == 0, again.output
    assert "none, everything was found finished" in again.stderr
    assert "toy_head version 1 is this very model already" in again.stderr


def test_more_trials_go_on_with_the_same_study(
    entries: Entries, whole: dict[str, Any], tmp_path: Path
) -> None:
    first = invoke(tmp_path, "--trials", "2", **whole | {"stages": WHOLE[:4]})
    assert first.exit_code == 0, first.output
    before = stage(parent("tune_toy"), "search")
    more = invoke(tmp_path, "--trials", "3", **whole | {"stages": WHOLE[:4]})
    assert more.exit_code == 0, more.output
    assert [name for name, _ in entries.started[5:6]] == ["search"]
    after = stage(parent("tune_toy"), "search")
    assert before.fingerprint != after.fingerprint
    one, other = (pd.read_parquet(s.folder / "trials.parquet") for s in (before, after))
    pd.testing.assert_frame_equal(other.iloc[:2], one)
    assert len(other) == 3


def test_the_tuned_task_file_trains_the_same_model_without_a_search(
    entries: Entries, whole: dict[str, Any], tmp_path: Path
) -> None:
    assert invoke(tmp_path, **whole | {"stages": WHOLE[:4]}).exit_code == 0
    run = parent("tune_toy")
    best = stage(run, "search").folder / "best.yaml"
    assert yaml.safe_load(best.read_text())["tuned"]["search"] == run.data.tags["stage.search"]
    started = len(entries.started)
    pipeline(load_task("", config=str(best)))
    assert len(entries.started) == started
    assert parent("train_toy").data.tags["stage.train"] == run.data.tags["stage.train"]


def test_the_tuned_task_file_trains_nothing_on_another_split(
    entries: Entries, whole: dict[str, Any], tmp_path: Path
) -> None:
    assert invoke(tmp_path, **whole | {"stages": WHOLE[:4]}).exit_code == 0
    best = str(stage(parent("tune_toy"), "search").folder / "best.yaml")
    with pytest.raises(UserError, match="patients tested here may have chosen them"):
        pipeline(load_task("", config=best, overrides="preprocess.split.seed=7"))
    pipeline(load_task("", config=best, overrides="preprocess.split.seed=7 tuned=null"))
    assert stage(parent("train_toy"), "train").config["tuned"] is None


def test_folds_are_searched_one_by_one_and_the_report_says_what_that_promised(
    entries: Entries, whole: dict[str, Any], tmp_path: Path
) -> None:
    whole["preprocess"] = {"split": {"method": "folds", "folds": 2, "repeats": 1}}
    done = invoke(tmp_path, **whole)
    assert done.exit_code == 0, done.output
    search_said = entries.said[3]
    assert "3 searches (r0f0, r0f1, refit) × 3 trials × 2 fit(s) = 18 fits at most" in search_said
    run = parent("tune_toy")
    search, train = stage(run, "search"), stage(run, "train")
    facts = search.facts
    assert [each["fold"] for each in facts["searches"]] == ["r0f0", "r0f1", "refit"]
    assert facts["settings"] == facts["searches"][-1]["settings"]
    for member in train.facts["members"]:
        own = facts["fold_settings"].get(member["fold"], {})
        task = task_config(**whole).with_settings(own or facts["settings"])
        assert (member["model"] or train.facts["model"]) == task.model
    refit = next(m for m in train.facts["members"] if m["fold"] == "refit")
    assert refit["best_epoch"] + 1 == facts["refit_epochs"] == facts["searches"][-1]["epochs"]
    inner = pd.read_parquet(search.folder / "inner_predictions.parquet")
    outer = [
        roc_auc_score(rows["label"], rows["logit"])
        for _, rows in inner[inner["fold"] != "refit"].groupby("part")
    ]
    figures = run.data.metrics
    assert figures["test/optimism/inner"] == pytest.approx(sum(outer) / 4)
    values = [each["value"] for each in facts["searches"][:2]]
    assert figures["test/optimism/inner"] == pytest.approx(sum(values) / 2)
    gap = figures["test/optimism/inner"] - figures["test/auroc_within_fold"]
    assert figures["test/optimism/inner_minus_test"] == pytest.approx(gap)
    lo, hi = (figures[f"test/optimism/inner_minus_test_{end}"] for end in ("lo", "hi"))
    assert lo < gap < hi
    report = (stage(run, "evaluate").folder / "report.html").read_text()
    assert "no test patient of a fold has had a part in that fold" in " ".join(report.split())


def test_one_search_over_all_folds_is_called_optimistic(
    entries: Entries, whole: dict[str, Any], tmp_path: Path
) -> None:
    whole["preprocess"] = {"split": {"method": "folds", "folds": 2, "repeats": 1}}
    done = invoke(tmp_path, "--nested", "false", "--trials", "2", **whole)
    assert done.exit_code == 0, done.output
    assert "tuned: warning: the settings were chosen on patients whom other folds test" in (
        done.stderr
    )
    run = parent("tune_toy")
    assert stage(run, "search").facts["seen"] is True
    assert stage(run, "train").config["tuned"]["folds"] == {}
    assert stage(run, "evaluate").facts["tags"]["promotable"] == (
        "no, the settings were chosen on patients whom other folds test; search with "
        "tune.nested=true"
    )


def test_options_are_those_of_the_task_file_where_they_are_empty() -> None:
    assert with_options("fit.lr=1", {"trials": "", "nested": ""}) == "fit.lr=1"
    given = with_options(
        "title='two words'", {"trials": "7", "storage": "postgresql://a:b@c/d", "study": "7"}
    )
    task = load_task("ctrcd", overrides=given)
    assert (task.title, task.tune.trials, task.tune.study) == ("two words", 7, "7")
    assert task.tune.storage == "postgresql://a:b@c/d"


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        (
            "--trials",
            "0",
            r"'tune\.trials' in .* is '0': Input should be greater than or equal",
        ),
        ("--trials", "many", r"'tune\.trials' in .* is 'many': Input should be a valid integer"),
        ("--minutes", "-1", r"'tune\.minutes' in .* is '-1': Input should be greater than 0"),
        ("--nested", "maybe", r"'tune\.nested' in .* is 'maybe': Input should be a valid boolean"),
        ("--task", "ctrdc", r"there is no task 'ctrdc' in pipelines/; did you mean 'ctrcd'\?"),
        ("--set", "tune.trails=3", r"unknown key 'tune\.trails' in .*; did you mean 'trials'\?"),
    ],
)
def test_a_wrong_option_is_told_in_one_sentence(
    workspace: Any, option: str, value: str, sentence: str
) -> None:
    done = CliRunner().invoke(main, [option, value])
    assert done.exit_code == 2
    (line,) = done.stderr.strip().splitlines()
    assert re.search(sentence, line)


def test_a_task_that_trains_nothing_has_nothing_to_search_for(workspace: Any) -> None:
    task: TaskConfig = task_config(stages=("ingest", "preprocess", "audit"))
    with pytest.raises(ConfigError, match="the task 'toy' has no stage 'train', so there is noth"):
        tune(task)
    assert mlflow.MlflowClient().get_experiment_by_name("toy") is None
