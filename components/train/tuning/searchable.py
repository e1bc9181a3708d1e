"""Which settings can be searched for: those of the model and of training that are one value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from components.core.config.task import TaskConfig
from components.core.errors import ConfigError, nearest
from components.core.models.registry import model_config
from components.core.pretrained import fixed_settings

_ASIDE = "it bears on no trial's result; set it in the task file"
# Settings that no trial may change, and why.
_NO_SETTING = {
    "fit.refit": _ASIDE,
    "fit.alone": _ASIDE,
    "fit.singles": _ASIDE,
    "fit.device": _ASIDE,
    "fit.checkpoints": _ASIDE,
    "model.name": "each model has a space of its own; make one search for each",
    "model.init_from": "a trunk brings its own statistics of the inputs, and the audit looks at "
    "whom it was trained on; make one search for each",
    "model.image_weights": "its file is looked up before the search; make one search for each",
}
# Settings by which the figure `val/loss` itself differs; `fit.loss` is none: both its losses are
# the same function of the data.
_CHANGES_LOSS = ("fit.class_weights", "fit.multitask")


def present_settings(task: TaskConfig) -> dict[str, Any]:
    """Return every setting of the task's model and training by name, those of no single value too.

    Whether other networks are trained beside it (`fit.alone`, …) is none, nor what a trunk taken
    over decides.
    """
    others = {*_NO_SETTING, *fixed_settings(task.model)}
    model = model_config(task.model).model_dump(mode="json")
    found = {f"model.{key}": value for key, value in model.items()}
    found |= {f"fit.{key}": value for key, value in task.section("fit")["fit"].items()}
    return {name: value for name, value in found.items() if name not in others}


def check_searchable(name: str, present: Mapping[str, Any]) -> None:
    """Refuse what `tune.space` must not name.

    Args:
        name: of a setting (`model.width`).
        present: `present_settings` of the task.

    Raises:
        ConfigError: it is unknown, no trial's own, or no single value.
    """
    if name in _NO_SETTING:
        raise ConfigError(
            f"'tune.space' has '{name}', which is no setting to be searched for: "
            f"{_NO_SETTING[name]}"
        )
    if name not in present:
        raise ConfigError(
            f"'tune.space' has '{name}', which is no setting to be searched for; "
            f"{nearest(name, present)}"
        )
    if isinstance(present[name], (list, dict)):
        raise ConfigError(
            f"'tune.space' has '{name}', whose value is several values; only a setting of one "
            "number, word or switch can be searched for"
        )


def check_comparable(names: Iterable[str], objective: str) -> None:
    """Refuse to search by a loss for settings under which it is another one.

    Args:
        names: of the settings searched for.
        objective: `tune.objective`.

    Raises:
        ConfigError: trials could not be compared.
    """
    found = [name for name in names if name in _CHANGES_LOSS]
    if found and objective == "loss":
        raise ConfigError(
            f"'tune.space' has '{found[0]}', which changes what the loss is, and 'tune.objective' "
            "is 'loss', so that no two trials could be compared: take it out, or search by 'auroc' "
            "or 'auprc'"
        )
