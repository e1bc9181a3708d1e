"""A whole search: this process and its helpers work on a study until all its trials have ended."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from components.core.config.tune import Scalar
from components.core.errors import CardioError
from components.core.store import data_root
from components.train.tuning.claims import REASON, SLOT, UNTUNED_SLOT, asked_for, is_dead
from components.train.tuning.helpers import helpers
from components.train.tuning.job import Factory, Job
from components.train.tuning.objective import Objective
from components.train.tuning.plan import Plan, open_study
from components.train.tuning.told import Told, best_of, states
from components.train.tuning.trial_runs import Recording, TrialRuns
from components.train.tuning.worker import Worker, stop_on_signals


@dataclass(frozen=True, kw_only=True)
class Searched:
    """What a search came to.

    Attributes:
        plan: what was searched for.
        best: settings of the best trial.
        number: of that trial.
        value: of the objective under them; the best of several, so it promises too much.
        untuned: the objective under the task's own settings; None where that trial failed.
        states: `complete`, `pruned`, `failed`, `dead`, `running`, `waiting` → slots.
        trials: of the slots asked for, those of dead workers too, in order of their numbers.
    """

    plan: Plan
    best: dict[str, Scalar]
    number: int
    value: float
    untuned: float | None
    states: dict[str, int]
    trials: tuple[FrozenTrial, ...]


def study_file(name: str) -> Path:
    """Return the SQLite file of a study of that name: `data/studies/<name>.db`."""
    return data_root() / "studies" / f"{name}.db"


def search(
    plan: Plan,
    *,
    factory: Factory,
    objective: Objective | None = None,
    recording: Recording | None = None,
    file: Path | None = None,
) -> Searched:
    """Search until `plan.tune.trials` trials have ended in the study, or the time is up.

    Trials that were finished before count: called again, it goes on. Those beyond the number asked
    for, which another search has made, do not.

    Args:
        plan: of the study.
        factory: of the objective, for this process and for its helpers.
        objective: for this process, where it has been made already.
        recording: where trials' runs go; None for nowhere.
        file: of SQLite, where the plan names no server; None for `study_file`.

    Raises:
        ConfigError: a study of that name searches for something else.
        StorageError: a store does not answer; finished trials are kept.
        CardioError: no trial was completed.
    """
    minutes = plan.tune.minutes
    job = Job(
        plan=plan,
        file=file or study_file(plan.name),
        factory=factory,
        recording=recording,
        deadline=None if minutes is None else time.time() + 60 * minutes,
    )
    opened = job.open()
    study = open_study(opened, plan)
    told = Told(plan, study)
    runs = TrialRuns(recording, study) if recording else None
    _put_right(runs, plan, study)
    try:
        with _signals(), helpers(job, plan.tune.workers - 1):
            Worker(job, opened, study, objective or factory.build()).work(told)
    finally:
        _put_right(runs, plan, study)
    told.say()
    return _searched(plan, study.get_trials())


def _put_right(runs: TrialRuns | None, plan: Plan, study: optuna.Study) -> None:
    if runs is not None:
        runs.put_right(asked_for(plan, study.get_trials(deepcopy=False)))


def _searched(plan: Plan, found: list[FrozenTrial]) -> Searched:
    trials = asked_for(plan, found)
    best = best_of(trials, minimize=plan.direction == "minimize")
    counts = states(trials)
    if best is None or best.value is None:
        raise CardioError(_nothing(plan, trials))
    own = [each for each in trials if each.user_attrs[SLOT] == UNTUNED_SLOT]
    return Searched(
        plan=plan,
        best=dict(best.params),
        number=best.number,
        value=best.value,
        untuned=own[-1].value if own and own[-1].state == TrialState.COMPLETE else None,
        states=dict(counts),
        trials=tuple(trials),
    )


def _nothing(plan: Plan, trials: list[FrozenTrial]) -> str:
    failed = [each.user_attrs[REASON] for each in trials if _has_failed(each)]
    told = f"the last failed: {failed[-1]}" if failed else "allow more 'tune.minutes'"
    return f"no trial of the study '{plan.name}' was completed; {told}"


def _has_failed(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.FAIL and not is_dead(trial)


@contextmanager
def _signals() -> Generator[None]:
    """Give the running trial back when a batch system ends this process."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python hands signals to the main thread alone
        return
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    stop_on_signals()
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
