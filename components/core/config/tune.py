"""How settings are searched for, and what a search has found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator

from components.core.config.base import Frozen

Scalar = bool | int | float | str | None


class Range(Frozen):
    """A range of numbers; whole ones where both ends are whole and no `real` is asked for.

    Attributes:
        low: smallest value.
        high: largest value, included.
        log: draw the logarithm evenly.
        step: distance of neighbouring values; None for any (1 between whole numbers).
        real: draw real numbers although both ends are whole.
    """

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None
    real: bool = False

    @model_validator(mode="after")
    def _is_a_range(self) -> Range:
        for name in ("low", "high", "step"):
            value: float | None = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ValueError(
                    f"{name} is {value:g}; a range needs finite numbers, give another {name}"
                )
        if not self.low < self.high:
            raise ValueError(f"low is {self.low:g} and high {self.high:g}; low must be below high")
        if self.log and self.low <= 0:
            raise ValueError(f"low is {self.low:g}; a logarithm needs a number above 0")
        if self.log and self.step is not None:
            raise ValueError("a range has either 'log' or 'step'")
        return self


def _finite(values: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    for value in values:
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"a choice is {value:g}; choices of numbers are finite, leave it out")
    return values


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    return "range" if isinstance(value, (Mapping, Range)) else "choices"


# A range, the values to choose from, or nothing: that setting is not searched.
Dimension = Annotated[
    Annotated[Range, Tag("range")]
    | Annotated[tuple[Scalar, ...], Field(min_length=1), AfterValidator(_finite), Tag("choices")]
    | Annotated[None, Tag("nothing")],
    Discriminator(_kind),
]


class TuneConfig(Frozen):
    """The search of `tune`.

    Attributes:
        trials: how many are finished in all, by all workers, the untuned settings among them.
        minutes: no trial starts after this time; None for no limit.
        workers: processes on this machine.
        storage: URL of the study's database, e.g. of a PostgreSQL server that workers on other
            machines share; empty for an SQLite file under `data/`.
        study: name of the study; empty for one made from all that decides a trial's result.
        objective: what is searched for on validation: the highest AUROC or AUPRC over patients,
            or the lowest loss.
        heads: whose figure that is: the `primary` head's, or the `mean` of all heads.
        sampler: `tpe`, or `random`.
        pruner: stops hopeless trials: `median`, `hyperband`, or `none`.
        unpruned: share of a trial's steps (epochs of one fit, or fits) in which none is stopped:
            what learns slowly is behind at first. None is stopped after the last step either.
        seed: of the sampler.
        nested: search anew inside each outer fold, on inner folds of its training and validation
            patients, so that the outer figure is honest; None where the split has folds.
        inner_folds: of a nested search.
        heartbeat_s: seconds between two signs of life of a running trial. One that has given none
            for three such periods is taken for dead and tried again.
        retries: how often a dead trial is tried again.
        space: setting (`model.width`, `fit.lr`) → range or choices, over what the model suggests
            and the usual ranges of training; null takes a setting out of the search.
    """

    trials: int = Field(default=30, ge=1)
    minutes: float | None = Field(default=None, gt=0)
    workers: int = Field(default=1, ge=1)
    storage: str = ""
    study: str = Field(default="", pattern=r"^[A-Za-z0-9_.-]*$")
    objective: Literal["auroc", "auprc", "loss"] = "auroc"
    heads: Literal["primary", "mean"] = "primary"
    sampler: Literal["tpe", "random"] = "tpe"
    pruner: Literal["median", "hyperband", "none"] = "median"
    unpruned: float = Field(default=1 / 3, ge=0, lt=1)
    seed: int = 0
    nested: bool | None = None
    inner_folds: int = Field(default=3, ge=2)
    heartbeat_s: int = Field(default=30, ge=1)
    retries: int = Field(default=2, ge=0)
    space: dict[str, Dimension] = Field(default_factory=dict)

    @field_validator("space", mode="before")
    @classmethod
    def _one_name_each(cls, value: object) -> object:
        """Take `model: {width: …}`, as `tune.space.model.width=…` sets it, for `model.width: …`."""
        return dict(_flat(cast("Mapping[str, object]", value))) if _is_mapping(value) else value

    def bearing(self) -> dict[str, Any]:
        """Return what bears on a trial's result and on which trials there are, as JSON values."""
        free = {"trials", "minutes", "workers", "storage", "study", "heartbeat_s", "retries"}
        return self.model_dump(mode="json", exclude=free)


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def _flat(value: Mapping[str, object], head: str = "") -> Iterator[tuple[str, object]]:
    for key, inner in value.items():
        name = f"{head}{key}"
        if _is_mapping(inner) and not set(cast("Mapping[str, object]", inner)) & set(
            Range.model_fields
        ):
            yield from _flat(cast("Mapping[str, object]", inner), f"{name}.")
        else:
            yield name, inner


class Tuned(Frozen):
    """What a search chose, kept with the settings it chose.

    Attributes:
        search: fingerprint of the search.
        folds: outer fold → its own settings (`model.width`, `fit.lr`), where the search was nested;
            those of the refit are the task's own.
        refit_epochs: how long a refit with the task's own settings trains, by the fits of their own
            search; None takes the median over the folds.
    """

    search: str
    refit_epochs: int | None = Field(default=None, ge=1)
    folds: dict[str, dict[str, Scalar]] = Field(default_factory=dict)
