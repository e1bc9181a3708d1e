"""Folds trained under settings of their own, and the refit under the task's."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from components.core.config.tune import Tuned
from components.core.errors import ConfigError, InputError
from components.core.members import Member
from components.core.store import Stage, read_stage
from components.core.trained import loaded
from components.evaluate.bundling import _check_alike
from tests.chain import audited, manifest_of, prepared, task_config, trained
from tests.searches import searched

FIT = {"epochs": 4, "batch": 16, "device": "cpu", "precision": "fp32"}
FOLDS: dict[str, Any] = {"r0f1": {"model.hidden": 16}, "r0f2": {"fit.epochs": 2}}


def tuned(cohort: Stage, **more: Any) -> dict[str, Any]:
    own: dict[str, Any] = {"folds": FOLDS} | more
    made = searched(audited(cohort), nested=bool(own["folds"]), fold_settings=own["folds"])
    return {"search": made.fingerprint, **own}


@pytest.fixture(scope="module")
def stage(folded_stage: Stage) -> Stage:
    settings = tuned(folded_stage, refit_epochs=3)
    own = task_config(fit=FIT | {"lr": 0.005, "ablate": ["tabular"]}, tuned=settings)
    return trained(audited(folded_stage), own)


def epochs(stage: Stage, member: dict[str, Any]) -> int:
    return len(pd.read_parquet(stage.folder / member["folder"] / "history.parquet"))


def test_each_fold_has_its_own_settings_and_the_refit_the_tasks(stage: Stage) -> None:
    members = {m["fold"]: m for m in stage.facts["members"]}
    assert list(members) == ["r0f0", "r0f1", "r0f2", "refit"]
    assert {fold: m["model"].get("hidden") for fold, m in members.items()} == {
        "r0f0": None, "r0f1": 16, "r0f2": None, "refit": None,
    }  # fmt: skip
    assert stage.facts["model"]["hidden"] == 8
    assert [epochs(stage, m) for m in members.values()] == [4, 4, 2, 3]


def test_evaluation_loads_each_network_by_its_own_settings(stage: Stage) -> None:
    widths = {
        m["fold"]: sum(p.numel() for p in loaded(stage, Member.model_validate(m)).parameters())
        for m in stage.facts["members"]
    }
    assert widths["r0f1"] > widths["r0f0"] == widths["r0f2"] == widths["refit"]


def test_the_median_over_folds_where_the_search_says_no_epochs(folded_stage: Stage) -> None:
    own = task_config(fit=FIT | {"lr": 0.006}, tuned=tuned(folded_stage, folds={}))
    members = trained(audited(folded_stage), own).facts["members"]
    best = sorted(m["best_epoch"] + 1 for m in members[:3])
    assert members[3]["best_epoch"] + 1 == best[1]


def test_settings_of_a_fold_that_the_cohort_lacks(folded_stage: Stage) -> None:
    own = task_config(fit=FIT, tuned=tuned(folded_stage, folds={"r9f0": {"fit.lr": 0.1}}))
    with pytest.raises(
        ConfigError,
        match=r"tuned\.folds has settings of the fold 'r9f0', which the cohort lacks; it has r0f0, "
        r"r0f1, r0f2: search again on this cohort",
    ):
        trained(audited(folded_stage), own)


def test_settings_searched_for_on_another_split_of_the_same_patients(folded_stage: Stage) -> None:
    source = read_stage(folded_stage.input_folder("ingest"))
    other = prepared(source, split={"method": "folds", "folds": 3, "repeats": 1, "seed": 7})
    names = [set(manifest_of(each)["patient_id"]) for each in (folded_stage, other)]
    assert names[0] == names[1]
    own = task_config(fit=FIT, tuned=tuned(folded_stage))
    with pytest.raises(InputError, match="patients tested here may have chosen them; search again"):
        trained(audited(other), own)


def test_a_search_that_is_not_on_this_machine(folded_stage: Stage) -> None:
    own = task_config(fit=FIT, tuned={"search": "elsewhere"})
    with pytest.raises(InputError, match="data/search/elsewhere, which says on whom, is not there"):
        trained(audited(folded_stage), own)


def test_networks_of_different_settings_make_no_one_model(
    folded_stage: Stage, stage: Stage
) -> None:
    own = task_config(fit=FIT | {"refit": False}, tuned=tuned(folded_stage))
    with pytest.raises(
        ConfigError, match=r"networks of different settings make no one model: set fit\.refit"
    ):
        trained(audited(folded_stage), own)
    members = [Member.model_validate(m) for m in stage.facts["members"]]
    with pytest.raises(
        ConfigError,
        match=r"the networks of r0f1 have settings that a search chose for their fold alone, .*; "
        r"set fit\.refit=true",
    ):
        _check_alike(members)
    _check_alike(members[-1:])


def test_a_wrong_setting_of_a_fold_is_named(folded_stage: Stage) -> None:
    own = task_config(fit=FIT, tuned=tuned(folded_stage, folds={"r0f0": {"model.hiden": 4}}))
    with pytest.raises(ConfigError, match=r"unknown key '.*hiden'"):
        trained(audited(folded_stage), own)


def test_a_fold_without_settings_of_its_own_is_the_task_itself() -> None:
    own = task_config(tuned={"search": "abc", "folds": FOLDS})
    assert own.for_fold("r0f0") is own
    assert own.for_fold("refit") is own
    assert own.for_fold("r0f1").model["hidden"] == 16
    assert Tuned.model_validate(json.loads(own.model_dump_json())["tuned"]) == own.tuned
