"""What a worker process is told, as JSON: the study, where it lies, and how a trial is trained."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from components.core.errors import ConfigError
from components.train.tuning.objective import Objective
from components.train.tuning.plan import Plan, plan_from_json
from components.train.tuning.storage import Opened, open_storage
from components.train.tuning.trial_runs import Recording


@dataclass(frozen=True, kw_only=True)
class Factory:
    """What makes the objective in any process.

    Attributes:
        function: `module:function`, called with the arguments.
        arguments: JSON values by name.
    """

    function: str
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])

    def build(self) -> Objective:
        """Return the objective.

        Raises:
            ConfigError: there is no such function.
        """
        module, _, name = self.function.partition(":")
        try:
            made: Callable[..., Objective] = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise ConfigError(
                f"there is no function '{self.function}' to make the objective of a search; "
                "write module:function"
            ) from error
        return made(**self.arguments)


@dataclass(frozen=True, kw_only=True)
class Job:
    """The work of one process.

    Attributes:
        plan: the study.
        file: of the SQLite database, where the plan names no server.
        factory: of the objective.
        recording: where trials' runs go; None for nowhere.
        deadline: Unix time after which no trial begins; None for none.
    """

    plan: Plan
    file: Path
    factory: Factory
    recording: Recording | None = None
    deadline: float | None = None

    def open(self) -> Opened:
        """Return the study's database."""
        tune = self.plan.tune
        return open_storage(
            tune.storage, self.file, heartbeat_s=tune.heartbeat_s, retries=tune.retries
        )

    def to_json(self) -> dict[str, Any]:
        """Return the job as JSON values; they may hold a password of the database."""
        kept = self.recording
        return {
            "plan": self.plan.to_json(),
            "file": str(self.file),
            "factory": {"function": self.factory.function, "arguments": self.factory.arguments},
            "recording": kept and {"experiment": kept.experiment, "parent": kept.parent},
            "deadline": self.deadline,
        }


def job_from_json(values: dict[str, Any]) -> Job:
    """Return the job that `Job.to_json` wrote."""
    kept = cast("dict[str, str] | None", values["recording"])
    return Job(
        plan=plan_from_json(values["plan"]),
        file=Path(values["file"]),
        factory=Factory(**values["factory"]),
        recording=Recording(**kept) if kept else None,
        deadline=values["deadline"],
    )
