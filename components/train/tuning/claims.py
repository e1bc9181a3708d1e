"""Who works on which trial: as many as were asked for, each by one worker at a time.

A study has slots, numbered from 0; slot 0 is that of the untuned settings. A slot is taken by a
trial, and by another one with the same settings when the worker of the first has died. Slots are
opened and trials claimed under the lock of the database, so that any number of workers make
exactly as many as asked for.
"""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import RetryHeartbeatStaleTrialCallback, fail_stale_trials
from optuna.trial import FrozenTrial, TrialState

from components.core.config.tune import Scalar
from components.train.tuning.plan import Plan, sampler
from components.train.tuning.quiet import quiet
from components.train.tuning.space import draw
from components.train.tuning.storage import Opened

SLOT = "slot"
REASON = "reason"
FIGURES = "figures"
UNTUNED_SLOT = 0
_HISTORY = "retry_history"
_FIXED = "fixed_params"
Standing = Literal["busy", "done"]
System = dict[str, Any]


@dataclass(frozen=True)
class Claim:
    """A trial that is this worker's.

    Attributes:
        trial: Optuna's.
        trial_id: in the database.
        slot: which it takes.
        settings: drawn for it.
        steps: after which it reports, at most.
    """

    trial: optuna.Trial
    trial_id: int
    slot: int
    settings: dict[str, Scalar]
    steps: int

    def may_be_pruned(self, step: int) -> bool:
        """Return whether the trial may be stopped after a step (from 0).

        The untuned settings are what the others are measured against: they need a value. After the
        last step nothing is left to save.
        """
        return self.slot != UNTUNED_SLOT and step + 1 < self.steps


class Slots:
    """The slots of a study, as one worker sees them.

    Args:
        plan: with the number of trials asked for.
        opened: the database.
        study: opened in it.
    """

    def __init__(self, plan: Plan, opened: Opened, study: optuna.Study) -> None:
        self._plan, self._opened, self._study = plan, opened, study
        self._cached = opened.cached
        self._study_id = opened.storage.get_study_id_from_name(plan.name)

    def claim(self) -> Claim | Standing:
        """Return a trial to run, `busy` where only others run some, `done` where all have ended."""
        with quiet():
            with self._opened.lock():
                found = self._take()
            return found if isinstance(found, str) else self._drawn(*found)

    def give_back(self, claim: Claim) -> None:
        """Let another worker have the trial: this one was stopped, which is no fault of the trial.

        What it has drawn stays its own.
        """
        with quiet(), self._opened.lock():
            if self._opened.storage.get_trial(claim.trial_id).state != TrialState.RUNNING:
                return
            told = self._study.tell(claim.trial, state=TrialState.FAIL)
            self._open(claim.slot, told, told.system_attrs)

    def _take(self) -> tuple[int, int] | Standing:
        fail_stale_trials(self._study)
        latest = self._latest()
        if [trial for trial in latest.values() if self._retry_if_lost(trial)]:
            latest = self._latest()
        wanted = {slot: latest[slot] for slot in latest if slot < self._plan.tune.trials}
        waiting = [slot for slot in wanted if wanted[slot].state == TrialState.WAITING]
        fresh = max(latest, default=-1) + 1
        if waiting:
            number = wanted[min(waiting)].number
            trial_id = self._cached.get_trial_id_from_study_id_trial_number(self._study_id, number)
            return self._start(trial_id), min(waiting)
        if fresh < self._plan.tune.trials:
            fixed: System = {_FIXED: self._plan.untuned} if fresh == UNTUNED_SLOT else {}
            return self._start(self._open(fresh, None, fixed)), fresh
        running = any(trial.state == TrialState.RUNNING for trial in wanted.values())
        return "busy" if running else "done"

    def _latest(self) -> dict[int, FrozenTrial]:
        """Return slot → its last trial."""
        trials = self._study.get_trials(deepcopy=False)
        return {each.user_attrs[SLOT]: each for each in trials if SLOT in each.user_attrs}

    def _retry_if_lost(self, trial: FrozenTrial) -> bool:
        """Try a dead trial again where the worker that noticed has itself died in between."""
        lost = is_dead(trial) and attempts(trial) <= self._plan.tune.retries
        if lost:
            retry = self._opened.storage.get_heartbeat_stale_trial_callback()
            cast(RetryHeartbeatStaleTrialCallback, retry)(self._study, copy.deepcopy(trial))
        return lost

    def _open(self, slot: int, like: FrozenTrial | None, system: System) -> int:
        fresh = optuna.create_trial(
            state=TrialState.WAITING,
            params=like.params if like else {},
            distributions=like.distributions if like else {},
            user_attrs={SLOT: slot},
            system_attrs=system,
        )
        return self._cached.create_new_trial(self._study_id, fresh)

    def _start(self, trial_id: int) -> int:
        # First a sign of life: a running trial that has never given one is never taken for dead.
        self._opened.storage.record_heartbeat(trial_id)
        self._cached.set_trial_state_values(trial_id, TrialState.RUNNING)
        return trial_id

    def _drawn(self, trial_id: int, slot: int) -> Claim:
        self._study.sampler = sampler(self._plan.tune, slot)
        trial = optuna.Trial(self._study, trial_id)
        settings = dict(draw(trial, self._plan.space))
        return Claim(trial, trial_id, slot, settings, self._plan.steps)


def asked_for(plan: Plan, trials: list[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials of the slots that a search asks for: its study may have more of another."""
    return [each for each in trials if each.user_attrs.get(SLOT, math.inf) < plan.tune.trials]


def is_dead(trial: FrozenTrial) -> bool:
    """Return whether the trial's worker died, or was stopped, before it could say how it went."""
    return trial.state == TrialState.FAIL and REASON not in trial.user_attrs


def attempts(trial: FrozenTrial) -> int:
    """Return how often the trial's slot has been begun, this trial included."""
    return len(trial.system_attrs.get(_HISTORY, [])) + 1


@contextmanager
def alive(opened: Opened, trial_id: int, *, every_s: float) -> Generator[None]:
    """Give signs of life of a trial while the block runs.

    One that fails is followed by the next: had it been the last, the trial would be taken for
    dead, and what its worker then says of it would be refused by the database.
    """
    over = threading.Event()

    def beat() -> None:
        while not over.wait(every_s):
            try:
                opened.storage.record_heartbeat(trial_id)
            except StorageInternalError:
                continue
        opened.storage.remove_session()

    heart = threading.Thread(target=beat, name="heartbeat", daemon=True)
    heart.start()
    try:
        yield
    finally:
        over.set()
        heart.join()
