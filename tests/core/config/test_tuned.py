"""A task under the settings that a search chose, and a search in words and figures."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.core.config.task import load_task, save_resolved
from components.core.config.tuned import before_tuning, tune_figures, tuned_lines, tuned_task
from components.core.errors import ConfigError
from tests.chain import task_config

FACTS: dict[str, Any] = {
    "objective": "auroc",
    "settings": {"model.hidden": 32, "fit.lr": 0.0123456},
    "fold_settings": {},
    "refit_epochs": None,
    "value": 0.75,
    "untuned": 0.7,
    "gain": 0.05,
    "states": {"complete": 18, "pruned": 11, "failed": 1},
    "searches": [{"states": {"complete": 18}}],
    "seen": False,
}


def test_the_chosen_settings_replace_the_tasks() -> None:
    facts = FACTS | {"fold_settings": {"r0f0": {"fit.lr": 0.5}}, "refit_epochs": 7}
    first = tuned_task(task_config(), "abc", facts)
    assert (first.model["hidden"], first.fit.lr) == (32, 0.0123456)
    assert first.tuned is not None
    assert (first.tuned.search, first.tuned.refit_epochs) == ("abc", 7)
    assert first.for_fold("r0f0").fit.lr == 0.5
    again = tuned_task(first, "def", FACTS)
    assert again.tuned is not None
    assert (again.tuned.search, again.tuned.folds, again.tuned.refit_epochs) == ("def", {}, None)
    assert before_tuning(again).tuned is None


def test_a_setting_that_the_model_lacks() -> None:
    with pytest.raises(ConfigError, match=r"unknown key '.*width'"):
        tuned_task(task_config(), "abc", FACTS | {"settings": {"model.width": 3}})


def test_the_figures_of_a_search() -> None:
    assert tune_figures(FACTS) == {
        "tune/best": 0.75, "tune/untuned": 0.7, "tune/gain": 0.05,
        "tune/trials": 30, "tune/pruned": 11, "tune/failed": 1,
    }  # fmt: skip
    undefined = tune_figures(FACTS | {"untuned": None, "gain": None, "states": {"complete": 2}})
    assert undefined == {"tune/best": 0.75, "tune/trials": 2, "tune/pruned": 0, "tune/failed": 0}


def test_a_search_in_words() -> None:
    assert tuned_lines(FACTS) == [
        "tuned: AUROC on validation 0.700 untuned → 0.750 (the best of 18 finished trials, hence "
        "optimistic); trials: 18 complete, 1 failed, 11 pruned",
        "tuned: chosen settings: model.hidden 32, fit.lr 0.01235",
    ]
    more = tuned_lines(
        FACTS
        | {
            "untuned": None,
            "fold_settings": {"r0f0": {}, "r0f1": {}},
            "seen": True,
            "searches": FACTS["searches"] * 3,
        }
    )
    assert "AUROC on validation undefined untuned → 0.750" in more[0]
    assert "trials of 3 searches: 18 complete" in more[0]
    assert more[2].startswith("tuned: 2 outer folds have settings of their own")
    assert more[3].startswith("tuned: warning: the settings were chosen on patients whom other")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("postgresql://host/db", "postgresql://host/db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("postgresql://me:pa@ss:w@host:5432/db", "postgresql://me:…@host:5432/db"),
        ("postgresql://host/db?user=me&password=s3&x=1", "postgresql://host/db?user=me&password=…&x=1"),
    ],
)  # fmt: skip
def test_a_password_of_the_study_is_not_shown_and_reaches_the_stages(
    tmp_path: Path, url: str, shown: str
) -> None:
    task = task_config(tune={"storage": url})
    assert yaml.safe_load(task.to_yaml())["tune"]["storage"] == shown
    file = save_resolved(task, tmp_path)
    assert load_task("", config=str(file)) == task
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
