"""A task file: the whole experiment on one page, and the ways to change it."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, model_validator

from components.core.config.base import Frozen, canonical_json, digest, validate
from components.core.config.card import Statements
from components.core.config.evaluate import EvaluateConfig
from components.core.config.fit import FitConfig
from components.core.config.heads import BinaryHead, HeadMap, SurvivalHead, check_heads
from components.core.config.sections import (
    AuditConfig,
    IngestConfig,
    LabelConfig,
    PreprocessConfig,
    RegisterConfig,
)
from components.core.config.tune import TuneConfig, Tuned
from components.core.errors import ConfigError, nearest
from components.core.older_checkpoint import refuse_checkpoints
from components.core.progress import say

ROOT = Path(__file__).resolve().parents[3]
TASKS = ROOT / "pipelines"


class TaskConfig(Frozen):
    """The resolved configuration of a task.

    Attributes:
        task: its name; also the name of the MLflow experiment.
        title: one sentence for people.
        stages: components in the order in which the pipeline starts them.
        heads: name → what it answers; empty is one binary head of the label's name.
        model: `name` of a file in `core/models/` and that model's own settings.
        tune: how `tune` searches for settings.
        tuned: what a search chose; None for settings that nobody searched for.
        card: TRIPOD+AI item → what only people can say of it, for the model card.
    """

    task: str = Field(min_length=1, pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    label: LabelConfig
    heads: HeadMap = Field(default_factory=dict)
    ingest: IngestConfig = IngestConfig()
    preprocess: PreprocessConfig = PreprocessConfig()
    audit: AuditConfig = AuditConfig()
    model: dict[str, Any]
    fit: FitConfig = FitConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    tune: TuneConfig = TuneConfig()
    tuned: Tuned | None = None
    register_as: RegisterConfig = RegisterConfig()
    card: Statements = Field(default_factory=dict[str, str])
    stages: tuple[str, ...] = ("ingest", "preprocess", "audit", "train", "evaluate")

    @model_validator(mode="after")
    def _heads_fit(self) -> TaskConfig:
        check_heads(self.heads, self.label.name)
        if self.label.derive == "head" and not self.heads:
            raise ValueError("label.derive is 'head', but the task names no heads")
        primary = self.heads.get(self.label.name)
        if isinstance(primary, SurvivalHead) and self.label.horizon_days is not None:
            last = primary.horizons_days[-1]
            if self.label.horizon_days != last:
                raise ValueError(
                    f"label.horizon_days is {self.label.horizon_days:g}, the last horizon of the "
                    f"primary head is {last:g}; its binary view is that of the last: make them one"
                )
        return self

    def all_heads(self) -> HeadMap:
        """Return every head by name, the primary one (`label.name`) first."""
        primary = self.label.name
        if not self.heads:
            return {primary: BinaryHead()}
        others = {name: head for name, head in self.heads.items() if name != primary}
        return {primary: self.heads[primary], **others}

    def with_settings(self, settings: Mapping[str, object]) -> TaskConfig:
        """Return the task with some settings (`model.width`, `fit.lr`) replaced, validated.

        Raises:
            ConfigError: an unknown setting or a wrong value.
        """
        data = self.model_dump(mode="json")
        for key, value in settings.items():
            assign(data, key, value)
        return _check_model(validate(TaskConfig, data, f"the settings of task '{self.task}'"))

    def for_fold(self, fold: str) -> TaskConfig:
        """Return the task with the settings that a nested search chose for an outer fold."""
        own = self.tuned.folds.get(fold, {}) if self.tuned is not None else {}
        return self.with_settings(own) if own else self

    def section(self, *names: str) -> dict[str, Any]:
        """Return the named sections as plain JSON values."""
        return {name: self.model_dump(mode="json")[name] for name in names}

    def to_yaml(self) -> str:
        """Return the resolved configuration as YAML, to be shown: without a study's password."""
        plain = self.model_dump(mode="json")
        plain["tune"]["storage"] = _without_password(self.tune.storage)
        return _yaml(plain)


def _yaml(plain: dict[str, Any]) -> str:
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)


def _without_password(url: str) -> str:
    """Return a database URL with `…` where it has a password: before the host, or as an option."""
    url = re.sub(r"(password=)[^&]*", r"\1…", url)
    head, at, host = url.rpartition("@")
    scheme, slashes, user = head.partition("://")
    name, colon, _ = user.partition(":")
    return f"{scheme}{slashes}{name}{colon}{'…' if colon else ''}{at}{host}" if at else url


def load_task(
    task: str, *, config: str = "", overrides: str = "", source: str = "", path: str = ""
) -> TaskConfig:
    """Return a task's resolved configuration.

    Args:
        task: name of a file in `pipelines/`; used when `config` is empty.
        config: a task file given whole.
        overrides: `key=value` pairs separated by spaces, e.g. `fit.lr=3e-4 model.width=64`.
        source: replaces `ingest.source` when not empty.
        path: replaces `ingest.path` when not empty.

    Raises:
        ConfigError: the file is missing, is no YAML mapping, holds a wrong key or value, or a
            setting names a checkpoint of an older script.
    """
    refuse_checkpoints({"config": config})
    file = Path(config) if config else _task_file(task)
    data = _read_mapping(file)
    if source:
        assign(data, "ingest.source", source)
    if path:
        assign(data, "ingest.path", path)
    pairs = parse_overrides(overrides)
    for key, value in pairs:
        if key == "model.name":
            _switch_model(data, value)
    for key, value in pairs:
        assign(data, key, value)
    refuse_checkpoints(data)
    return _check_model(validate(TaskConfig, data, file.name))


def _task_file(task: str) -> Path:
    file = TASKS / f"{task}.yaml"
    if not file.is_file():
        known = [p.stem for p in TASKS.glob("*.yaml")]
        raise ConfigError(f"there is no task '{task}' in pipelines/; {nearest(task, known)}")
    return file


def _read_mapping(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise ConfigError(f"the task file '{file}' does not exist; correct the 'config' parameter")
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        raise ConfigError(f"the task file '{file.name}' is not YAML (line {line})") from error
    if not isinstance(data, dict):
        raise ConfigError(
            f"the task file '{file.name}' must hold a mapping, not a {type(data).__name__}"
        )
    return data


def parse_overrides(text: str) -> list[tuple[str, Any]]:
    """Return `key=value` pairs; values are read as YAML, no value at all is the empty text.

    >>> parse_overrides("fit.lr=3e-4 model.width=64 register_as.name=")
    [('fit.lr', '3e-4'), ('model.width', 64), ('register_as.name', '')]
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ConfigError(f"'set' has an unclosed quotation mark: {text}") from error
    pairs: list[tuple[str, Any]] = []
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise ConfigError(f"'set' has '{word}'; write key=value, e.g. fit.lr=3e-4")
        pairs.append((key, _value(key, value)))
    return pairs


def _value(key: str, text: str) -> object:
    try:
        return yaml.safe_load(text) if text else ""
    except yaml.YAMLError as error:
        raise ConfigError(f"'set' gives '{key}' the value '{text}', which is not YAML") from error


def assign(data: dict[str, Any], key: str, value: object) -> None:
    """Set a nested key (`fit.lr`) of plain data in place.

    Raises:
        ConfigError: a section of the key holds a value.
    """
    *parents, last = key.split(".")
    target = data
    for part in parents:
        inner = target.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"'{key}' cannot be set: '{part}' holds a value, not a section")
        target = inner
    target[last] = value


def _switch_model(data: dict[str, Any], name: object) -> None:
    """Drop the file's settings that only its own model knows, and say so: another one is wanted."""
    from components.core.models.registry import model_file

    section = data.get("model")
    if not isinstance(section, dict) or section.get("name") == name:
        return
    known = model_file(name).Config.model_fields
    foreign = [key for key in section if key != "name" and key not in known]
    if foreign:
        say(
            f"note: {', '.join(f'model.{key}' for key in foreign)} of the task file belong to the "
            f"model '{section.get('name')}', not to '{name}'; left out"
        )
    data["model"] = {key: value for key, value in section.items() if key not in foreign}


def _check_model(task: TaskConfig) -> TaskConfig:
    """Validate the model section against the model's own configuration class."""
    from components.core.models.registry import model_config  # torch: only when a task is loaded

    resolved = model_config(task.model)
    settings = {"name": task.model["name"], **resolved.model_dump(mode="json")}
    return task.model_copy(update={"model": settings})


def save_resolved(task: TaskConfig, folder: Path) -> Path:
    """Write the resolved configuration under its own digest and return the file.

    For the stages to read, a password in `tune.storage` and all; for its owner's eyes alone.
    """
    name = digest(canonical_json(task.model_dump(mode="json")))[:16]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{task.task}-{name}.yaml"
    if not file.exists():
        partial = file.with_suffix(f".{os.getpid()}.tmp")
        partial.touch(mode=0o600)
        partial.write_text(_yaml(task.model_dump(mode="json")), encoding="utf-8")
        partial.replace(file)
    return file
