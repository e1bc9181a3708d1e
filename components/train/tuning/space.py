"""The search space of a task: what its model suggests and the usual ranges of training.

A task's `tune.space` changes it. It always holds the task's own settings, so that these can be the
first trial and every other is measured against them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
    json_to_distribution,
)

from components.core.config.base import digest
from components.core.config.task import TaskConfig
from components.core.config.tune import Dimension, Range, Scalar
from components.core.errors import ConfigError
from components.core.models.registry import model_file
from components.core.pretrained import fixed_settings
from components.train.tuning.objective import Settings
from components.train.tuning.quiet import quiet
from components.train.tuning.searchable import check_comparable, check_searchable, present_settings

Space = dict[str, BaseDistribution]

# The searches of Bengio (2012, "Practical recommendations for gradient-based training of deep
# architectures", sections 3.1 and 3.2) draw the learning rate evenly on a logarithm over a few
# decades around its default and the batch from powers of two; AdamW's own decay has worked from
# next to nothing to 0.1 on these cohorts (docs/LOG.md).
_TRAINING: Space = {
    "fit.lr": FloatDistribution(1e-4, 1e-2, log=True),
    "fit.weight_decay": FloatDistribution(1e-5, 1e-1, log=True),
    "fit.batch": CategoricalDistribution([16, 32, 64]),
}
# A step's multiple that falls short of the upper end by rounding alone.
_ROUNDING = 1e-9


def search_space(task: TaskConfig) -> Space:
    """Return parameter (`model.width`, `fit.lr`) → what it is drawn from.

    Raises:
        ConfigError: `tune.space` names an unknown setting, one that is no single value, or a value
            that the setting cannot take; the objective is the loss and a setting changes what that
            is; nothing is left to search for.
    """
    present, fixed = present_settings(task), fixed_settings(task.model)
    space = {**suggested(task.model["name"]), **_TRAINING}
    space = {name: each for name, each in space.items() if name not in fixed}
    for name, wanted in task.tune.space.items():
        check_searchable(name, present)
        space.pop(name, None)
        if wanted is not None:
            space[name] = _distribution(name, wanted)
    check_comparable(space, task.tune.objective)
    if not space:
        raise ConfigError("'tune.space' takes every setting out of the search; leave one in")
    widened = {name: _holding(name, each, present[name]) for name, each in space.items()}
    for name, each in widened.items():
        for value in _outermost(each):
            task.with_settings({name: value})
    return widened


def suggested(model: str) -> Space:
    """Return what a model's `suggest` draws from, found by letting it draw once."""
    with quiet():
        trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
        model_file(model).suggest(trial)
    return dict(trial.distributions)


def untuned(task: TaskConfig, space: Space) -> dict[str, Scalar]:
    """Return the task's own value of every parameter."""
    present = present_settings(task)
    return {name: _as_drawn(each, present[name]) for name, each in space.items()}


def space_digest(space: Space) -> str:
    """Return the sha256 of what is drawn from what, whatever the order of the parameters."""
    return digest(space_json(space))


def space_json(space: Space) -> dict[str, Any]:
    """Return the space as JSON values."""
    return {name: json.loads(distribution_to_json(each)) for name, each in space.items()}


def space_from_json(values: Mapping[str, Any]) -> Space:
    """Return the space that `space_json` wrote."""
    return {name: json_to_distribution(json.dumps(each)) for name, each in values.items()}


def draw(trial: optuna.Trial, space: Space) -> Settings:
    """Return the settings of a trial, drawn by its study's sampler."""
    return {name: _suggest(trial, name, each) for name, each in space.items()}


def _suggest(trial: optuna.Trial, name: str, each: BaseDistribution) -> Scalar:
    match each:
        case IntDistribution():
            return trial.suggest_int(name, each.low, each.high, step=each.step, log=each.log)
        case FloatDistribution():
            return trial.suggest_float(name, each.low, each.high, step=each.step, log=each.log)
        case _:
            return trial.suggest_categorical(name, cast(CategoricalDistribution, each).choices)


def _distribution(name: str, wanted: Dimension) -> BaseDistribution:
    if not isinstance(wanted, Range):
        return CategoricalDistribution(cast(tuple[Scalar, ...], wanted))
    whole = not wanted.real and all(isinstance(end, int) for end in (wanted.low, wanted.high))
    if wanted.step is not None:
        _check_step(name, wanted, whole=whole)
    if not whole:
        return FloatDistribution(wanted.low, wanted.high, log=wanted.log, step=wanted.step)
    return IntDistribution(
        int(wanted.low), int(wanted.high), log=wanted.log, step=int(wanted.step or 1)
    )


def _check_step(name: str, wanted: Range, *, whole: bool) -> None:
    step = cast(float, wanted.step)
    if whole and step != int(step):
        raise ConfigError(
            f"'tune.space.{name}' has step {step:g} between whole numbers; add 'real: true'"
        )
    if step <= 0 or not _on_grid(wanted.high, wanted.low, step):
        raise ConfigError(
            f"'tune.space.{name}' has step {step:g}, of which no whole number leads from "
            f"{wanted.low:g} to {wanted.high:g}; choose another step or end"
        )


def _on_grid(value: float, low: float, step: float) -> bool:
    steps = (value - low) / step
    return abs(steps - round(steps)) < _ROUNDING


def _holding(name: str, each: BaseDistribution, value: Scalar) -> BaseDistribution:
    """Return the distribution, widened where it does not hold the task's own value.

    Raises:
        ConfigError: no range can hold that value.
    """
    if isinstance(each, CategoricalDistribution):
        return each if value in each.choices else CategoricalDistribution(_with(each, value))
    either = cast("IntDistribution | FloatDistribution", each)
    if isinstance(value, (bool, str)) or value is None:
        raise _unfit(name, value, "a range of numbers", "give choices instead, or null")
    if either.log and value <= 0:
        raise _unfit(name, value, "a logarithmic range", "give a range without log, or null")
    grid = either.step is None or _on_grid(value, either.low, either.step)
    if not grid or (isinstance(either, IntDistribution) and value != int(value)):
        raise _unfit(name, value, "the steps of its range", "give a range that holds it, or null")
    kind = type(either)
    low, high = min(either.low, value), max(either.high, value)
    return kind(cast(Any, low), cast(Any, high), log=either.log, step=cast(Any, either.step))


def _with(each: CategoricalDistribution, value: Scalar) -> list[Scalar]:
    both: list[Scalar] = [*each.choices, value]
    numbers = [v for v in both if isinstance(v, (int, float)) and not isinstance(v, bool)]
    return [*sorted(numbers)] if len(numbers) == len(both) else both


def _unfit(name: str, value: Scalar, what: str, remedy: str) -> ConfigError:
    return ConfigError(
        f"'{name}' is {value}, which {what} cannot hold, and the search starts from it; "
        f"{remedy} as 'tune.space.{name}'"
    )


def _as_drawn(each: BaseDistribution, value: Scalar) -> Scalar:
    return cast(Scalar, each.to_external_repr(each.to_internal_repr(value)))


def _outermost(each: BaseDistribution) -> list[Scalar]:
    if isinstance(each, CategoricalDistribution):
        return list(each.choices)
    either = cast("IntDistribution | FloatDistribution", each)
    return [either.low, either.high]
