"""Each trial as a run of the tracking store, under the run of the search."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from components.core.child_runs import PARENT, ChildRun, ChildRuns, Status
from components.core.runs import TAG_COMPONENT, TAG_ERROR
from components.train.tuning.claims import FIGURES, REASON, SLOT, attempts, is_dead
from components.train.tuning.plan import STUDY_ID, study_id

TAG_STUDY, TAG_TRIAL, TAG_STATE = "study", "trial", "state"
VALUE, REPORTED = "tune/value", "tune/reported"
_STATES: dict[TrialState, tuple[str, Status]] = {
    TrialState.COMPLETE: ("complete", "FINISHED"),
    TrialState.PRUNED: ("pruned", "FINISHED"),
    TrialState.FAIL: ("failed", "FAILED"),
}
_OPEN = ("RUNNING", "SCHEDULED")


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Where trials' runs go.

    Attributes:
        experiment: name of the task's experiment.
        parent: id of the run of the search.
    """

    experiment: str
    parent: str


class TrialRuns:
    """The runs of a study's trials.

    Args:
        recording: where they go.
        study: opened in its database.
    """

    def __init__(self, recording: Recording, study: optuna.Study) -> None:
        self._runs, self._parent = ChildRuns(recording.experiment), recording.parent
        # By the name alone, one tracking store would mix up the studies of several databases.
        self._name, self._id = study.study_name, study_id(study)

    def start(self, number: int, slot: int) -> str:
        """Open the run of a trial that begins, and return its id."""
        tags = {
            TAG_COMPONENT: "trial",
            TAG_STUDY: self._name,
            STUDY_ID: self._id,
            TAG_TRIAL: number,
            SLOT: slot,
            TAG_STATE: "running",
        }
        return self._runs.start(f"trial {number}", parent=self._parent, tags=tags)

    def end(self, run_id: str, trial: FrozenTrial) -> None:
        """Write what a finished trial came to."""
        state, status = state_of(trial)
        tags: dict[str, object] = {TAG_STATE: state}
        if state == "failed":
            tags[TAG_ERROR] = trial.user_attrs[REASON]
        self._runs.end(run_id, status, params=trial.params, series=_series(trial), tags=tags)

    def put_right(self, trials: Iterable[FrozenTrial]) -> None:
        """Make the store say of every trial what the study says.

        Runs of dead workers are ended, missing ones written, those of an earlier search of the same
        study moved under this one.
        """
        known = {int(run.tags[TAG_TRIAL]): run for run in self._runs.find(STUDY_ID, self._id)}
        for trial in trials:
            run = known.get(trial.number)
            if run is not None and run.tags.get(PARENT) != self._parent:
                self._runs.tag(run.run_id, PARENT, self._parent)
            if trial.state.is_finished() and (run is None or _is_wrong(run, trial)):
                run_id = run.run_id if run else self.start(trial.number, trial.user_attrs[SLOT])
                self.end(run_id, trial)


def _is_wrong(run: ChildRun, trial: FrozenTrial) -> bool:
    state, _ = state_of(trial)
    return run.status in _OPEN or run.tags.get(TAG_STATE) != state


def state_of(trial: FrozenTrial) -> tuple[str, Status]:
    """Return a finished trial's state in words and its run's status; a dead worker's is KILLED."""
    return ("dead", "KILLED") if is_dead(trial) else _STATES[trial.state]


def _series(trial: FrozenTrial) -> dict[str, dict[int, float]]:
    figures: dict[str, Any] = trial.user_attrs.get(FIGURES, {})
    found = {name: {0: value} for name, value in figures.items()}
    if trial.state == TrialState.COMPLETE and trial.value is not None:
        found[VALUE] = {0: trial.value}
    return {**found, REPORTED: dict(trial.intermediate_values)}


def row_of(trial: FrozenTrial) -> dict[str, Any]:
    """Return a trial as a row of the table of trials."""
    waiting = {TrialState.WAITING: "waiting", TrialState.RUNNING: "running"}
    state = waiting.get(trial.state) or state_of(trial)[0]
    seconds = trial.duration.total_seconds() if trial.duration else None
    return {
        "number": trial.number,
        "slot": trial.user_attrs[SLOT],
        "attempt": attempts(trial),
        "state": state,
        "value": trial.value if state in ("complete", "pruned") else None,
        "seconds": seconds,
        **trial.params,
        **(trial.user_attrs.get(FIGURES, {}) if state == "complete" else {}),
        "reason": trial.user_attrs.get(REASON, "") if state == "failed" else "",
    }
