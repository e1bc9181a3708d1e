"""Models by discovery: every module of this package that holds `NAME`, `Config` and `build`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, cast

from components.core import models
from components.core.config.base import Frozen, validate
from components.core.errors import ConfigError, nearest
from components.core.models.spec import DataSpec

if TYPE_CHECKING:
    import optuna
    from torch import Tensor, nn

Batch = dict[str, "Tensor"]


class ModelFile(Protocol):
    """What a model's module must hold; `INPUTS` are the modalities that its answer depends on."""

    NAME: str
    INPUTS: tuple[str, ...]
    Config: type[Frozen]
    build: Callable[[Any, DataSpec], nn.Module]
    suggest: Callable[[optuna.Trial], dict[str, Any]]


@lru_cache(maxsize=1)
def models_by_name() -> dict[str, ModelFile]:
    """Return every model file by its `NAME`."""
    found: dict[str, ModelFile] = {}
    for info in pkgutil.iter_modules(models.__path__):
        module = importlib.import_module(f"{models.__name__}.{info.name}")
        if hasattr(module, "Config") and hasattr(module, "build"):
            file = cast(ModelFile, module)
            found[file.NAME] = file
    return found


def model_file(name: object) -> ModelFile:
    """Return the named model's file.

    Raises:
        ConfigError: no model has that name; the nearest is named.
    """
    known = models_by_name()
    if not isinstance(name, str) or name not in known:
        raise ConfigError(f"there is no model '{name}'; {nearest(str(name), known)}")
    return known[name]


def model_config(settings: dict[str, Any]) -> Frozen:
    """Return the validated settings of the model that `settings["name"]` names."""
    if "name" not in settings:
        raise ConfigError(f"'model.name' is missing; known are: {', '.join(models_by_name())}")
    own = {key: value for key, value in settings.items() if key != "name"}
    return validate(model_file(settings["name"]).Config, own, f"model '{settings['name']}'")


def build_model(settings: dict[str, Any], spec: DataSpec) -> nn.Module:
    """Return a freshly initialised model."""
    return model_file(settings["name"]).build(model_config(settings), spec)
