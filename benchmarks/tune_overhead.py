"""What a search adds to its trials: an objective that does nothing, in a study on SQLite."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
from optuna.distributions import FloatDistribution

from benchmarks.harness.row import Comparison, Outcome, Row, Values
from components.core.child_runs import ChildRuns
from components.core.config.tune import TuneConfig
from components.core.errors import CardioError
from components.train.tuning.job import Factory
from components.train.tuning.objective import Objective, Report, Score, Settings
from components.train.tuning.plan import Plan
from components.train.tuning.study import search
from components.train.tuning.trial_runs import Recording

# As many settings as the default model's search has, and about as many epochs.
_PARAMETERS = 8
_EPOCHS = 20
# One trial of the peer takes seconds: it is timed on so many and extrapolated.
_PEERS = 2
_LIMIT_S = 0.05
_START = 0.5


def nothing() -> Objective:
    """Return an objective that takes no time."""
    return lambda *_: Score(value=0.5, figures={"val/auroc": 0.5})


def reporting() -> Objective:
    """Return one that reports after each of the epochs, too."""

    def objective(_: Settings, number: int, report: Report) -> Score:
        for epoch in range(_EPOCHS):
            report(epoch, 0.5 + number)  # each better than those before: none is pruned
        return Score(value=0.5, figures={"val/auroc": 0.5})

    return objective


def _prepare(folder: Path, _: int) -> None:
    """Make the tracking store (its migrations take seconds) and the peer's project."""
    import mlflow

    mlflow.MlflowClient(_store(folder)).create_experiment("toy")
    entry = f"{{parameters: {{x: float}}, command: '{sys.executable} -c pass {{x}}'}}"
    (folder / "MLproject").write_text(f"name: toy\nentry_points:\n  main: {entry}\n")


def _store(folder: Path) -> str:
    return f"sqlite:///{folder}/mlflow.db"


def _plan(trials: int) -> Plan:
    names = [f"model.x{each}" for each in range(_PARAMETERS)]
    return Plan(
        name="toy",
        space={name: FloatDistribution(0.0, 1.0) for name in names},
        untuned=dict.fromkeys(names, _START),
        tune=TuneConfig(trials=trials),
        about={},
    )


def _searched(folder: Path, size: int, function: str) -> Outcome:
    from components.core import runs

    os.environ["MLFLOW_TRACKING_URI"] = _store(folder)
    parent = runs.connect().create_run(runs.experiment_id("toy")).info.run_id
    (folder / "study.db").unlink(missing_ok=True)
    start = time.perf_counter()
    found = search(
        _plan(size),
        factory=Factory(function=f"{__name__}:{function}"),
        recording=Recording(experiment="toy", parent=parent),
        file=folder / "study.db",
    )
    seconds = time.perf_counter() - start
    if sum(found.states.values()) != size:
        raise CardioError(f"the search ended with {found.states} in place of {size} trials")
    first = ChildRuns("toy").find("mlflow.parentRunId", parent)[-1]
    facts = {"a trial takes": f"{1e3 * seconds / size:.0f} ms"}
    return Outcome(seconds=seconds, units=size, result=_kept(first.run_id), facts=facts)


def _kept(run_id: str) -> Values:
    """Return the first parameter of a run and whether it has finished, from the store."""
    import mlflow

    run = mlflow.MlflowClient().get_run(run_id)
    first = float(run.data.params[min(run.data.params)])
    return np.array([first, float(run.info.status == "FINISHED")])


def _ours(folder: Path, size: int) -> Outcome:
    return _searched(folder, size, "nothing")


def _epochs(folder: Path, size: int) -> Outcome:
    return _searched(folder, size, "reporting")


def _peer(folder: Path, size: int) -> Outcome:
    """Start `mlflow.run` for each trial, as MLflow's own example of a search does."""
    import mlflow

    mlflow.set_tracking_uri(_store(folder))
    units = min(size, _PEERS)
    start = time.perf_counter()
    for _ in range(units):
        done = mlflow.run(
            str(folder), parameters={"x": str(_START)}, experiment_name="toy", env_manager="local"
        )
    seconds = time.perf_counter() - start
    return Outcome(seconds=seconds, units=units, result=_kept(done.run_id))


ROW = Row(
    name="tune_overhead",
    unit="trials",
    sizes=(8, 32, 128),
    quick=(2, 3, 4),
    prepare=_prepare,
    work=lambda size: size,
    sides={"ours": _ours, "mlflow.run": _peer, "20 epochs": _epochs},
    comparisons=(
        Comparison(
            work="study and run of {size} trials that do nothing, on SQLite",
            ours="ours", other="mlflow.run", peer="`mlflow.run` of a project that does nothing",
            ratio=10,
        ),
        Comparison(
            work="the same, against 50 ms a trial", ours="ours", limit_s=_LIMIT_S * 128
        ),
    ),
    notes=(
        f"`mlflow.run` is timed on {_PEERS} trials and extrapolated; it keeps no study beside its "
        "runs.",
        f"Eight settings; with {_EPOCHS} epochs each of them is reported to the study, and the "
        "pruner asked.",
    ),
)  # fmt: skip
