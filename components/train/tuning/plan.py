"""What a study is: its name, what is drawn, where it starts, and what tells it from others."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from components.core.config.base import digest, validate
from components.core.config.task import TaskConfig
from components.core.config.tune import Scalar, TuneConfig
from components.core.errors import ConfigError
from components.train.tuning.quiet import quiet
from components.train.tuning.space import (
    Space,
    search_space,
    space_from_json,
    space_json,
    untuned,
)
from components.train.tuning.storage import Opened

IDENTITY = "identity"
STUDY_ID = "study_id"
Direction = Literal["maximize", "minimize"]
# Knuth's multiplicative hash (The Art of Computer Programming 3, section 6.4): seeds of
# neighbouring trials must differ by more than their last bit.
_KNUTH = 2_654_435_761
# A third of three steps is one, although its product may exceed 1 by rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A study, the same in every process that works on it.

    Attributes:
        name: of the study in its database.
        space: parameter → what it is drawn from.
        untuned: the task's own settings, which are the first trial.
        tune: budget, sampler, pruner, heartbeats.
        about: what else decides a trial's result, e.g. the fingerprint of the data; a study of the
            same name about something else is refused.
        steps: after which a trial reports, at most: epochs of one fit, or fits.
    """

    name: str
    space: Space
    untuned: dict[str, Scalar]
    tune: TuneConfig
    about: dict[str, str]
    steps: int = 1

    @property
    def direction(self) -> Direction:
        """Whether a high or a low value of the objective is good."""
        return "minimize" if self.tune.objective == "loss" else "maximize"

    def identity(self) -> dict[str, Any]:
        """Return what decides which trials there are and what they come to, part by part."""
        bearing = {f"tune.{key}": value for key, value in self.tune.bearing().items()}
        # Its changes of the space are in the space already.
        bearing.pop("tune.space")
        own = {f"the untuned {key}": value for key, value in self.untuned.items()}
        return {**space_json(self.space), **own, **bearing, **self.about}

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON values; `tune.storage` may hold a password."""
        return {
            "name": self.name,
            "space": space_json(self.space),
            "untuned": self.untuned,
            "tune": self.tune.model_dump(mode="json"),
            "about": self.about,
            "steps": self.steps,
        }


def plan_of(task: TaskConfig, *, name: str, about: dict[str, str], steps: int = 1) -> Plan:
    """Return the plan of a task's search.

    Raises:
        ConfigError: the task's `tune.space` is wrong.
    """
    space = search_space(task)
    own = untuned(task, space)
    return Plan(name=name, space=space, untuned=own, tune=task.tune, about=about, steps=steps)


def plan_from_json(values: dict[str, Any]) -> Plan:
    """Return the plan that `Plan.to_json` wrote."""
    return Plan(
        name=values["name"],
        space=space_from_json(values["space"]),
        untuned=values["untuned"],
        tune=validate(TuneConfig, values["tune"], "the plan of a search"),
        about=values["about"],
        steps=values["steps"],
    )


def open_study(opened: Opened, plan: Plan) -> optuna.Study:
    """Return the plan's study, made on first use.

    Raises:
        ConfigError: a study of that name searches for something else.
    """
    with quiet(), opened.lock():
        study = optuna.create_study(
            study_name=plan.name,
            storage=opened.cached,
            direction=plan.direction,
            sampler=sampler(plan.tune, 0),
            pruner=pruner(plan),
            load_if_exists=True,
        )
        known = study.user_attrs.get(IDENTITY)
        if known is None and not study.get_trials(deepcopy=False):
            # First, so that a study with an identity has one whenever its maker is killed.
            study.set_user_attr(STUDY_ID, uuid.uuid4().hex)
            study.set_user_attr(IDENTITY, plan.identity())
        else:
            _check_identity(plan, known)
    return study


def study_id(study: optuna.Study) -> str:
    """Return what tells a study from every other of its name, in whatever database it lies."""
    return str(study.user_attrs[STUDY_ID])


def sampler(tune: TuneConfig, number: int) -> BaseSampler:
    """Return the sampler of the trial of that number.

    Seeded by it, so that no two workers draw the same and a search that was stopped and goes on
    draws what it would have drawn. Settings are drawn together (Falkner, Klein and Hutter 2018,
    BOHB); a running trial counts as a bad one (constant liar, Ginsbourger 2010), so that workers
    spread out. All spaces here have the same parameters in every trial: no groups.
    """
    seed = (tune.seed + number * _KNUTH) % 2**32
    if tune.sampler == "random":
        return RandomSampler(seed=seed)
    return TPESampler(seed=seed, multivariate=True, constant_liar=True)


def pruner(plan: Plan) -> BasePruner:
    """Return what stops hopeless trials, none of them in its first steps."""
    first = _first_judged(plan.tune, plan.steps)
    match plan.tune.pruner:
        case "median":
            return MedianPruner(n_warmup_steps=first)
        case "hyperband":
            return HyperbandPruner(min_resource=first, max_resource=max(1, plan.steps))
        case "none":
            return NopPruner()


def prunes(tune: TuneConfig, steps: int) -> bool:
    """Return whether a trial of so many steps can be stopped, which saves its last one at least."""
    return tune.pruner != "none" and _first_judged(tune, steps) < steps - 1


def _first_judged(tune: TuneConfig, steps: int) -> int:
    """Return the step (from 0) after which a trial may be stopped for the first time."""
    spared = math.ceil(tune.unpruned * steps - _ROUNDING)
    return max(1, spared) if tune.pruner == "hyperband" else spared


def _check_identity(plan: Plan, known: dict[str, Any] | None) -> None:
    own = plan.identity()
    if known is None:
        raise ConfigError(
            f"the study '{plan.name}' was made by something else; choose another 'tune.study'"
        )
    if digest(own) == digest(known):
        return
    parts = sorted(key for key in {*own, *known} if own.get(key) != known.get(key))
    raise ConfigError(
        f"the study '{plan.name}' searches for something else, or with other software (its "
        f"digest {digest(known)[:12]}, this one's {digest(own)[:12]}): {', '.join(parts)} differ; "
        "choose another 'tune.study', or set them back to go on with it"
    )
