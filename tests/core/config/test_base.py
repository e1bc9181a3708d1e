"""Every wrong key or value of a task file becomes one sentence."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from components.core.config.base import Frozen, canonical_json, digest, validate
from components.core.config.evaluate import EvaluateConfig
from components.core.config.fit import FitConfig
from components.core.config.sections import (
    AuditConfig,
    EcgConfig,
    IngestConfig,
    LabelConfig,
    PreprocessConfig,
    RegisterConfig,
    SplitConfig,
)
from components.core.config.task import TaskConfig
from components.core.errors import ConfigError

LABEL = {"name": "ctrcd", "definition": "d", "prediction_time": "t"}
TASK: dict[str, Any] = {"task": "toy", "title": "t", "label": LABEL, "model": {"name": "tabular"}}
# Section of the task file → a misspelt key of it → the key that was meant.
MISSPELT = [
    ("", "lable", "label"),
    ("label", "horizon_day", "horizon_days"),
    ("ingest", "sourc", "source"),
    ("preprocess", "modalites", "modalities"),
    ("preprocess.ecg", "window_day", "window_days"),
    ("preprocess.ecg_image", "hieght", "height"),
    ("preprocess.pcg", "window", "windows"),
    ("preprocess.embeddings", "max_patch", "max_patches"),
    ("preprocess.split", "fold", "folds"),
    ("preprocess.pairing", "day", "days"),
    ("preprocess.notes", "masked", "mask"),
    ("preprocess.text", "widht", "width"),
    ("preprocess.events", "tiem", "time"),
    ("audit", "waiver", "waive"),
    ("fit", "epohcs", "epochs"),
    ("evaluate", "draw", "draws"),
    ("tune", "trails", "trials"),
    ("register_as", "alais", "alias"),
]


def nested(path: str, key: str, value: object) -> dict[str, Any]:
    """Return the task with one more key in the section that `path` names."""
    data: dict[str, Any] = {**TASK, "label": dict(LABEL)}
    target = data
    for part in path.split(".") if path else []:
        target = target.setdefault(part, {})
    target[key] = value
    return data


def test_every_section_is_tried() -> None:
    own = {n for n, f in TaskConfig.model_fields.items() if _is_section(f.annotation)}
    inner = {n for n, f in PreprocessConfig.model_fields.items() if _is_section(f.annotation)}
    tried = {path for path, _, _ in MISSPELT if path}
    assert tried == own | {f"preprocess.{name}" for name in inner}


def _is_section(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


@pytest.mark.parametrize(("path", "wrong", "meant"), MISSPELT)
def test_an_unknown_key_names_the_nearest(path: str, wrong: str, meant: str) -> None:
    full = f"{path}.{wrong}" if path else wrong
    sentence = rf"^unknown key '{full}' in toy.yaml; did you mean '{meant}'\?$"
    with pytest.raises(ConfigError, match=sentence):
        validate(TaskConfig, nested(path, wrong, 1), "toy.yaml")


def test_an_unknown_key_of_a_head_names_the_nearest_of_its_kind() -> None:
    heads = {"ctrcd": {"kind": "survival", "horizon_days": [365]}}
    sentence = r"^unknown key 'heads.ctrcd.horizon_days' in toy.yaml; .* 'horizons_days'\?$"
    with pytest.raises(ConfigError, match=sentence):
        validate(TaskConfig, {**TASK, "heads": heads}, "toy.yaml")


def test_an_unknown_key_like_none_lists_the_known() -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'register_as.zzz' .* known are: alias, na"):
        validate(TaskConfig, nested("register_as", "zzz", 1), "toy.yaml")


@pytest.mark.parametrize(
    ("model", "data", "sentence"),
    [
        (LabelConfig, {**LABEL, "horizon_days": 0}, "'horizon_days' in x is '0': .* greater than"),
        (LabelConfig, {**LABEL, "name": "CTRCD risk"}, "'name' in x is 'CTRCD risk': .* pattern"),
        (LabelConfig, {**LABEL, "censoring": "drop"}, "'censoring' in x is 'drop': .* 'ipcw'"),
        (LabelConfig, {"name": "a", "definition": "d"}, "'prediction_time' is missing in x; add"),
        (IngestConfig, {"max_reject_rate": 5}, "'max_reject_rate' in x is '5': .* less than or"),
        (IngestConfig, {"workers": -1}, "'workers' in x is '-1'"),
        (IngestConfig, {"options": [1]}, r"'options' in x is '\[1\]'"),
        (EcgConfig, {"leads": ["I", "V9"]}, "'V9' is no canonical lead; did you mean 'V"),
        (EcgConfig, {"missing": "guess"}, "'missing' in x is 'guess'"),
        (EcgConfig, {"fs": 0}, "'fs' in x is '0'"),
        (SplitConfig, {"fractions": [0.7, 0.2, 0.2]}, "three shares must be positive and sum to 1"),
        (SplitConfig, {"fractions": [1.2, -0.1, -0.1]}, "three shares must be positive and sum"),
        (SplitConfig, {"folds": 1}, "'folds' in x is '1'"),
        (PreprocessConfig, {"modalities": ["echo"]}, "'modalities.0' in x is 'echo'"),
        (AuditConfig, {"waive": {"looks": "because"}}, "waiver of 'looks' needs a reason of at le"),
        (AuditConfig, {"label_auroc": 0.4}, "'label_auroc' in x is '0.4'"),
        (FitConfig, {"lr": "fast"}, "'lr' in x is 'fast': .* valid number"),
        (FitConfig, {"batch": 1}, "'batch' in x is '1'"),
        (FitConfig, {"class_weights": [1.0]}, "'class_weights"),
        (FitConfig, {"aug": ["mixup"]}, "'aug.0' in x is 'mixup'"),
        (EvaluateConfig, {"draws": 10}, "'draws' in x is '10'"),
        (EvaluateConfig, {"threshold": "test"}, "'threshold' in x is 'test'"),
        (RegisterConfig, {"name": None}, "'name' in x is 'None'"),
        (TaskConfig, [], r"'\(whole file\)' in x is '\[\]'"),
        (TaskConfig, {**TASK, "task": "My task"}, "'task' in x is 'My task'"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    model: type[BaseModel], data: object, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        validate(model, data, "x")


def test_an_unknown_key_in_a_list_is_named_by_its_place() -> None:
    class Inner(Frozen):
        width: int = 1

    class Outer(Frozen):
        layers: tuple[Inner, ...] = ()

    with pytest.raises(ConfigError, match=r"unknown key 'layers.1.widht' in x; known are: layers"):
        validate(Outer, {"layers": [{}, {"widht": 2}]}, "x")


def test_a_long_value_is_shortened() -> None:
    with pytest.raises(ConfigError, match=r"a{50,59}…") as caught:
        validate(RegisterConfig, {"name": ["a" * 5000]}, "x")
    assert len(str(caught.value)) < 200


def test_sections_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        FitConfig().epochs = 3  # type: ignore[misc]


def test_options_left_empty_in_yaml_are_no_options() -> None:
    assert IngestConfig.model_validate({"options": None}).options == {}


def test_digest_depends_on_content_not_on_order() -> None:
    assert digest({"a": 1, "b": {"c": 2}}) == digest({"b": {"c": 2}, "a": 1})
    assert digest({"a": 1}) != digest({"a": "1"})
    assert canonical_json({"b": (1, 2), "a": "é"}) == '{"a":"\\u00e9","b":[1,2]}'


def test_defaults_are_validated() -> None:
    class Wrong(Frozen):
        number: int = "many"  # type: ignore[assignment]

    with pytest.raises(ConfigError, match="'number' in x is 'many'"):
        validate(Wrong, {}, "x")
