"""The base of every configuration class and the way validation errors are told."""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeVar

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
    key = ".".join(path) or "(whole file)"
    if first["type"] == "extra_forbidden":
        known = _fields_at(model, path[:-1])
        return f"unknown key '{key}' in {where}; {nearest(path[-1], known)}"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing":
        return f"'{key}' is missing in {where}; add it"
    return f"'{key}' in {where} is {shorten(first['input'])!r}: {message}"


def _fields_at(model: type[BaseModel], path: list[str]) -> list[str]:
    current: Any = model
    for part in path:
        field = getattr(current, "model_fields", {}).get(part)
        annotation = getattr(field, "annotation", None)
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            break
        current = annotation
    return list(getattr(current, "model_fields", {}))


def canonical_json(value: object) -> str:
    """Return a byte-stable JSON text of `value` (sorted keys, no spaces)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def digest(value: object) -> str:
    """Return the sha256 of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
