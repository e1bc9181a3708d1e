"""Lines for people while a search runs."""

from __future__ import annotations

import time
from collections import Counter

import optuna
from optuna.trial import FrozenTrial, TrialState

from components.core.progress import duration, say
from components.train.tuning.claims import SLOT, asked_for
from components.train.tuning.plan import Plan
from components.train.tuning.trial_runs import state_of

# Between two lines, as of other long work (`core.progress`); the last one is always told.
_LINE_SECONDS = 10.0
_ENDED = ("complete", "pruned", "failed", "dead")


class Told:
    """Says now and then how far the study is, whoever works on it.

    Args:
        plan: of the search.
        study: its study.
    """

    def __init__(self, plan: Plan, study: optuna.Study) -> None:
        self._plan, self._study = plan, study
        self._begun = self._last = time.monotonic()
        self._before = self._ended(states(self._trials()))

    def now_and_then(self) -> None:
        """Say it, unless it has just been said."""
        if time.monotonic() - self._last >= _LINE_SECONDS:
            self._last = time.monotonic()
            self.say()

    def say(self) -> None:
        """Say how many trials have ended, the best so far, the rate and the time left."""
        trials = self._trials()
        counts, asked = states(trials), self._plan.tune.trials
        done = self._ended(counts)
        parts = [f"trials: {done}/{asked}", *_best(trials, minimize=self._minimize)]
        parts += [f"{counts[name]} {name}" for name in ("pruned", "failed", "dead") if counts[name]]
        minutes = (time.monotonic() - self._begun) / 60
        fresh = done - self._before
        if fresh:
            parts.append(f"{fresh / minutes:,.1f}/min")
        if fresh and done < asked:
            parts.append(f"{duration((asked - done) * minutes * 60 / fresh)} left")
        say(", ".join(parts))

    def _trials(self) -> list[FrozenTrial]:
        return asked_for(self._plan, self._study.get_trials(deepcopy=False))

    @property
    def _minimize(self) -> bool:
        return self._plan.direction == "minimize"

    def _ended(self, counts: Counter[str]) -> int:
        return sum(counts[name] for name in _ENDED)


def states(trials: list[FrozenTrial]) -> Counter[str]:
    """Return how many slots of these trials are in which state (`complete`, `pruned`, …)."""
    latest = {each.user_attrs[SLOT]: each for each in trials}
    unfinished = {TrialState.WAITING: "waiting", TrialState.RUNNING: "running"}
    return Counter(unfinished.get(each.state) or state_of(each)[0] for each in latest.values())


def best_of(trials: list[FrozenTrial], *, minimize: bool) -> FrozenTrial | None:
    """Return the complete trial with the best value, the earlier one of equals."""
    complete = [each for each in trials if each.state == TrialState.COMPLETE]
    sign = 1.0 if minimize else -1.0
    return min(complete, key=lambda each: (sign * (each.value or 0.0), each.number), default=None)


def _best(trials: list[FrozenTrial], *, minimize: bool) -> list[str]:
    best = best_of(trials, minimize=minimize)
    return [f"best {best.value:.4g} (trial {best.number})"] if best else []
