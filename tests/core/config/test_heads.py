"""What heads may be, together and alone."""

from __future__ import annotations

from typing import Any

import pytest

from components.core.config.base import validate
from components.core.config.heads import BinaryHead
from components.core.config.task import TaskConfig
from components.core.errors import ConfigError

LABEL = {"name": "lvef", "definition": "d", "prediction_time": "t", "derive": "head"}
LVEF = {"kind": "binary", "target": "lvef", "below": 50}


def task(**heads: dict[str, Any]) -> TaskConfig:
    data = {"task": "toy", "title": "t", "label": LABEL, "model": {"name": "tabular"}}
    return validate(TaskConfig, {**data, "heads": heads}, "toy.yaml")


def test_the_primary_head_comes_first() -> None:
    risk = {"kind": "classes", "target": "risk", "classes": ["low", "high"]}
    assert list(task(risk=risk, lvef=LVEF).all_heads()) == ["lvef", "risk"]


def test_a_task_without_heads_has_one_of_the_labels_name() -> None:
    data = {"task": "toy", "title": "t", "model": {"name": "tabular"}}
    label = {"name": "ctrcd", "definition": "d", "prediction_time": "t"}
    found = validate(TaskConfig, {**data, "label": label}, "toy.yaml").all_heads()
    assert found == {"ctrcd": BinaryHead()}


@pytest.mark.parametrize(
    ("heads", "words"),
    [
        ({}, "label.derive is 'head', but the task names no heads"),
        (
            {"lvef": {"kind": "binary", "endpoint": "relapse", "horizon_days": 9}},
            "the primary head 'lvef' answers of another endpoint",
        ),
        (
            {"lvef": LVEF, "relapse": {"kind": "binary", "endpoint": "relapse"}},
            "endpoint and horizon_days go together",
        ),
        (
            {"lvef": LVEF, "relapse": {**LVEF, "endpoint": "relapse", "horizon_days": 9}},
            "a target or of an endpoint, not of both",
        ),
        ({"risk": LVEF}, "heads lacks 'lvef'"),
        ({"lvef": {"kind": "binary", "target": "lvef"}}, "needs one of positive, below and above"),
        ({"lvef": {"kind": "binary", "below": 50}}, "the label column needs none"),
        ({"lvef": {"kind": "survival", "horizons_days": [90, 30]}}, "each above the one before"),
        ({"lvef": {"kind": "survival", "horizons_days": []}}, "at least one horizon"),
        (
            {"lvef": {"kind": "classes", "target": "r", "classes": ["a", "a"]}},
            "a category is named twice",
        ),
        ({"lvef": LVEF, "sure": {"kind": "confidence", "of": "risk"}}, "is no binary head"),
        (
            {
                "lvef": LVEF,
                "back": {"kind": "binary", "endpoint": "recurrence", "horizon_days": 730},
                "sure": {"kind": "confidence", "of": "back"},
            },
            r"heads.sure.of is 'back', which answers of the endpoint 'recurrence'; a confidence",
        ),
        (
            {"lvef": {"kind": "confidence", "of": "b"}, "b": LVEF},
            "the primary head 'lvef' judges another head",
        ),
    ],
)
def test_heads_that_do_not_fit_are_refused(heads: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        task(**heads)


def test_the_primary_survival_heads_view_is_that_of_its_last_horizon() -> None:
    label = {**LABEL, "name": "survival", "horizon_days": 180}
    data = {"task": "toy", "title": "t", "label": label, "model": {"name": "tabular"}}
    with pytest.raises(
        ConfigError, match=r"horizon_days is 180, the last horizon of the primary head"
    ):
        validate(TaskConfig, {**data, "heads": {"survival": {"kind": "survival"}}}, "toy.yaml")
