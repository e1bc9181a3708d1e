"""One trial from its settings to what it came to, whatever happens to it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from components.core.errors import CardioError, StorageError, shorten
from components.train.tuning.claims import FIGURES, REASON, Claim
from components.train.tuning.objective import Objective, Score
from components.train.tuning.quiet import quiet
from components.train.tuning.storage import Opened

State = Literal["complete", "pruned", "failed", "lost"]
# A reason is one sentence; MLflow's tags and the table of trials show it whole.
_REASON_LENGTH = 500
# Between attempts to reach the database, in seconds: a restarted server is back after half a
# minute, and a trial's work is worth that wait.
_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)
R = TypeVar("R")


class DivergedError(CardioError):
    """The objective has become infinite or undefined under the settings of a trial."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a trial ended.

    Attributes:
        state: `lost` where another worker has taken it over, because this one gave no sign of life.
        score: of a complete trial.
        reason: of a failed one.
        error: behind that reason, where it was one; a divergence is the fault of the settings.
        kept: the trial as the study has it.
    """

    state: State
    score: Score | None = None
    reason: str = ""
    error: Exception | None = None
    kept: FrozenTrial | None = None


def run_trial(claim: Claim, objective: Objective, opened: Opened) -> Ended:
    """Run a claimed trial and enter in the study what it came to; it must be kept `alive`.

    Raises:
        StorageError: the disk is full or a store does not answer, which is no trial's fault; the
            trial is left running.
    """
    try:
        ended = _run(claim, objective, opened)
        kept = patiently(opened, lambda: _enter(claim, ended))
    except UpdateFinishedTrialError:
        return Ended(state="lost")
    return replace(ended, kept=kept)


def _run(claim: Claim, objective: Objective, opened: Opened) -> Ended:
    def report(step: int, value: float) -> None:
        _check_finite(value, f"after step {step}")
        patiently(opened, lambda: claim.trial.report(value, step))
        if claim.may_be_pruned(step) and patiently(opened, claim.trial.should_prune):
            raise optuna.TrialPruned

    try:
        score = objective(claim.settings, claim.trial.number, report)
        _check_finite(score.value, "at the end")
    except optuna.TrialPruned:
        return Ended(state="pruned")
    except (StorageError, UpdateFinishedTrialError):
        raise
    except DivergedError as error:
        return Ended(state="failed", reason=str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the next trial has other settings
        return Ended(state="failed", reason=_reason(error), error=error)
    return Ended(state="complete", score=score)


def _enter(claim: Claim, ended: Ended) -> FrozenTrial:
    trial = claim.trial
    with quiet():
        if ended.score is not None:
            trial.set_user_attr(FIGURES, _finite(ended.score.figures))
            return trial.study.tell(trial, ended.score.value, skip_if_finished=True)
        if ended.state == "pruned":
            return trial.study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
        trial.set_user_attr(REASON, ended.reason)
        return trial.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)


def patiently(opened: Opened, action: Callable[[], R]) -> R:
    """Return what `action` on the database returns, tried again while it does not answer.

    Raises:
        StorageError: it has not answered for half a minute.
    """
    for pause in (*_PAUSES_S, None):
        try:
            return action()
        except (StorageInternalError, SQLAlchemyError) as error:
            if pause is None:
                raise StorageError(
                    f"the study's database '{opened.name}' no longer answers "
                    f"({type(error.__cause__ or error).__name__}); start it and search again: "
                    "finished trials are kept, and this one is tried again"
                ) from error
            time.sleep(pause)
    raise AssertionError  # the last round returns or raises


def _check_finite(value: float, when: str) -> None:
    if not math.isfinite(value):
        raise DivergedError(f"diverged: the objective was {value} {when}")


def _finite(figures: dict[str, float]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if math.isfinite(value)}


def _reason(error: Exception) -> str:
    # A foreign message may quote a patient's data: its type alone.
    told = str(error) if isinstance(error, CardioError) else f"fault: {type(error).__name__}"
    return shorten(told, _REASON_LENGTH)
