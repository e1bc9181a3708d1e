"""The base of every configuration class and the way validation errors are told."""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from components.core.errors import ConfigError, nearest, shorten


class Frozen(BaseModel):
    """A frozen section of the configuration; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


C = TypeVar("C", bound=BaseModel)


def validate(model: type[C], data: object, where: str) -> C:
    """Return `data` as a `model`.

    Args:
        model: the configuration class.
        data: a mapping, as read from YAML or JSON.
        where: what the user would look at to mend it, e.g. the task file's name.

    Raises:
        ConfigError: on the first wrong key or value, naming it and the nearest known key.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_sentence(error, model, where)) from error


def _sentence(error: ValidationError, model: type[BaseModel], where: str) -> str:
    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"]]
    holder, known = _place(model, path)
    key = ".".join([*holder, *path[-1:]]) or "(whole file)"
    if first["type"] == "extra_forbidden":
        return f"unknown key '{key}' in {where}; {nearest(path[-1], known)}"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing":
        return f"'{key}' is missing in {where}; add it"
    return f"'{key}' in {where} is {shorten(first['input'])!r}: {message}"


def _place(model: type[BaseModel], path: list[str]) -> tuple[list[str], list[str]]:
    """Return the keys that lead to the section of `path` in the file, and the keys known there.

    A section of one of several kinds has its kind in `path`, which the file has inside it.
    """
    current: Any = model
    keys: list[str] = []
    known: list[str] = list(model.model_fields)
    for part in path[:-1]:
        kind = _kinds(current).get(part)
        current = kind or _annotation(current, part)
        keys += [] if kind else [part]
        known = list(getattr(current, "model_fields", known))
    return keys, known


def _annotation(section: object, key: str) -> object:
    if get_origin(section) is dict:
        return get_args(section)[1]
    return getattr(getattr(section, "model_fields", {}).get(key), "annotation", None)


def _kinds(section: object) -> dict[str, type[BaseModel]]:
    """Return kind → class, of a section that may be one of several."""
    found = [c for c in get_args(section) if get_args(c)] or [section]
    classes = [c for each in found for c in get_args(each) if isinstance(c, type)]
    chosen = [c for c in classes if issubclass(c, BaseModel) and "kind" in c.model_fields]
    return {str(c.model_fields["kind"].default): c for c in chosen}


def canonical_json(value: object) -> str:
    """Return a byte-stable JSON text of `value` (sorted keys, no spaces)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def digest(value: object) -> str:
    """Return the sha256 of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
