"""Working on a study until all its trials have ended: `python -m components.train.tuning.worker`.

As a process of its own it reads its job, one line of JSON, from standard input, and stops when
whoever wrote it closes that or dies.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import optuna
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError

from components.core.command import reported_errors
from components.train.tuning.claims import Claim, Slots, alive
from components.train.tuning.job import Job, job_from_json
from components.train.tuning.objective import Objective
from components.train.tuning.plan import open_study
from components.train.tuning.storage import Opened
from components.train.tuning.told import Told
from components.train.tuning.trial import Ended, patiently, run_trial
from components.train.tuning.trial_runs import TrialRuns

# So many trials that fail one after the other with the same error have it not from their settings.
_SAME_ERRORS = 3
# Between two looks at the trials of others, when there is nothing else to do.
_LOOK_S = 0.5
# In which a stopped worker may give its trial back before it is ended.
GRACE_S = 10.0


class Worker:
    """One process's share of a search.

    Args:
        job: what is searched for.
        opened: the database.
        study: opened in it.
        objective: trains a trial.
    """

    def __init__(self, job: Job, opened: Opened, study: optuna.Study, objective: Objective) -> None:
        self._job, self._opened, self._objective = job, opened, objective
        self._slots = Slots(job.plan, opened, study)
        self._runs = TrialRuns(job.recording, study) if job.recording else None
        self._failures: list[Ended] = []

    def work(self, told: Told | None) -> None:
        """Run trials until all have ended, or the time is up.

        Args:
            told: says how far the study is; None for a worker that leaves it to another.

        Raises:
            Exception: the error with which three trials in a row have failed.
            StorageError: the disk is full or a store does not answer.
        """
        while self._job.deadline is None or time.time() < self._job.deadline:
            claim = patiently(self._opened, self._slots.claim)
            if claim == "done":
                return
            if isinstance(claim, Claim):
                self._note(self._one(claim))
            else:
                time.sleep(_LOOK_S)
            if told is not None:
                told.now_and_then()

    def _one(self, claim: Claim) -> Ended:
        every_s = self._job.plan.tune.heartbeat_s
        run_id = ""
        with alive(self._opened, claim.trial_id, every_s=every_s), self._given_back(claim):
            if self._runs is not None:
                run_id = self._runs.start(claim.trial.number, claim.slot)
            ended = run_trial(claim, self._objective, self._opened)
        if self._runs is not None and ended.kept is not None:
            self._runs.end(run_id, ended.kept)
        return ended

    @contextmanager
    def _given_back(self, claim: Claim) -> Generator[None]:
        try:
            yield
        except BaseException:  # stopped, or a store is away: the trial is as good as before
            with contextlib.suppress(StorageInternalError, SQLAlchemyError):
                self._slots.give_back(claim)
            raise

    def _note(self, ended: Ended) -> None:
        if ended.error is None:
            self._failures = []
            return
        self._failures = [each for each in self._failures if each.reason == ended.reason]
        self._failures.append(ended)
        if len(self._failures) == _SAME_ERRORS:
            raise ended.error


def stop_on_signals() -> None:
    """Take SIGTERM, which batch systems send, for the keyboard's SIGINT, even where it is off."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)


def _stop_with_parent() -> None:
    """Stop when standard input ends: whoever started this worker stops it so, or has died."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        main = threading.main_thread().ident
        if main is not None:
            signal.pthread_kill(main, signal.SIGINT)
        time.sleep(GRACE_S)
        os._exit(130)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def main() -> None:
    """Work on the job that standard input brings."""
    with reported_errors(debug=False):
        stop_on_signals()
        job = job_from_json(json.loads(sys.stdin.readline()))
        _stop_with_parent()
        opened = job.open()
        study = open_study(opened, job.plan)
        Worker(job, opened, study, job.factory.build()).work(None)


if __name__ == "__main__":
    main()
