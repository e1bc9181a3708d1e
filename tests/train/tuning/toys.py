"""Studies of two numbers, and objectives that any process can make."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import defaultdict
from pathlib import Path

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution

from components.core.config.tune import TuneConfig
from components.core.errors import InputError
from components.train.tuning.job import Factory
from components.train.tuning.objective import Objective, Report, Score, Settings
from components.train.tuning.plan import Plan

MODULE = "tests.train.tuning.toys"
START = {"model.x": 0.5, "model.kind": "a"}


def plan(steps: int = 1, **tune: object) -> Plan:
    """A study whose best is at x = 0.3 and kind `b`."""
    settings = {"trials": 6, "pruner": "none", "sampler": "random", "heartbeat_s": 1, **tune}
    return Plan(
        name="toy",
        space={
            "model.x": FloatDistribution(0.0, 1.0),
            "model.kind": CategoricalDistribution(["a", "b"]),
        },
        untuned=dict(START),
        tune=TuneConfig.model_validate(settings),
        about={"data": "some"},
        steps=steps,
    )


def value_of(settings: Settings) -> float:
    x = settings["model.x"]
    assert isinstance(x, float)
    return 1 - (x - 0.3) ** 2 - (settings["model.kind"] == "a") * 0.1


def factory(name: str, **arguments: object) -> Factory:
    return Factory(function=f"{MODULE}:{name}", arguments=arguments)


def parabola() -> Objective:
    """An objective that takes no time."""

    def objective(settings: Settings, number: int, report: Report) -> Score:
        return Score(value=value_of(settings), figures={"val/auroc": value_of(settings)})

    return objective


def noted(folder: str, seconds: float = 0.0, kill_at: str = "") -> Objective:
    """An objective that writes each beginning and end of a trial to a file of its process.

    The first process that begins the trial `kill_at` dies in it.
    """
    file = Path(folder) / f"{os.getpid()}.jsonl"

    def note(kind: str, number: int, settings: Settings) -> None:
        line = {"kind": kind, "number": number, "time": time.time(), "settings": dict(settings)}
        with file.open("a") as stream:
            stream.write(json.dumps(line) + "\n")

    def objective(settings: Settings, number: int, report: Report) -> Score:
        note("begin", number, settings)
        if str(number) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(seconds)
        note("end", number, settings)
        return Score(value=value_of(settings))

    return objective


def notes(folder: Path) -> list[dict[str, object]]:
    lines = [line for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]
    return sorted((json.loads(line) for line in lines), key=lambda each: each["time"])


def broken(message: str = "the cohort has no events", after: int = 0) -> Objective:
    """An objective that fails with the same error each time, from trial `after` on."""

    def objective(settings: Settings, number: int, report: Report) -> Score:
        if number < after:
            return Score(value=value_of(settings))
        raise InputError(message)

    return objective


def stepwise(steps: int = 5) -> Objective:
    """An objective that reports as it goes on."""
    seen: dict[int, int] = defaultdict(int)

    def objective(settings: Settings, number: int, report: Report) -> Score:
        for step in range(steps):
            seen[number] += 1
            report(step, value_of(settings) * (step + 1) / steps)
        return Score(value=value_of(settings))

    return objective


def by_slot(trials: list[optuna.trial.FrozenTrial]) -> dict[int, list[optuna.trial.FrozenTrial]]:
    found: dict[int, list[optuna.trial.FrozenTrial]] = defaultdict(list)
    for each in trials:
        found[each.user_attrs["slot"]].append(each)
    return found
