"""Search for settings: every study, and what the best of each come to. No MLflow, no click."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from components.core.config.task import TaskConfig
from components.core.config.tuned import before_tuning
from components.core.device import resolve
from components.core.progress import say
from components.core.store import Stage
from components.train.run import prepared_cohort, set_threads
from components.train.tuning import trials
from components.train.tuning.results import Found
from components.train.tuning.searches import Search, is_nested, say_cost, searches

# Runs the trials of one study, or what is left of them, for so many minutes; None is no limit.
Loop = Callable[[Search, TaskConfig, float | None], Found]
# A best trial that another machine has trained comes to another figure here by rounding; more than
# that (of an AUROC) is another machine's arithmetic or another device, and is told.
_ROUNDING = 1e-6


def search(audit: Stage, task: TaskConfig, loop: Loop) -> list[Found]:
    """Return what every search came to; the last gives the task's own settings.

    Every part of every search is read and checked before the first trial. A search that was
    stopped, or that other processes work on, goes on from where its study is.

    Args:
        audit: of the prepared cohort; must have passed.
        task: the resolved configuration.
        loop: runs the trials of a study.

    Raises:
        RefusedError: the audit did not pass, or the sanity checklist failed.
        InputError: a part has patients of one class only.
        ConfigError: settings fold by fold, and no refit.
    """
    task, cohort = before_tuning(task), prepared_cohort(audit)
    wanted = searches(audit, cohort, task)
    set_threads(resolve(task.fit.device, task.fit.precision))
    trials.sweep()
    for each in wanted:
        trials.from_job(**trials.job_of(audit, task, each.fold))
    say_cost(task, wanted)
    found = _loops(wanted, task, loop)
    if not is_nested(cohort, task):
        return found
    return [_once_more(audit, task, each) for each in found]


def _loops(wanted: list[Search], task: TaskConfig, loop: Loop) -> list[Found]:
    """Make one study after the other; each gets an even share of the time that is left."""
    began, found = time.monotonic(), list[Found]()
    for place, each in enumerate(wanted):
        left = None
        if task.tune.minutes is not None:
            spent = (time.monotonic() - began) / 60
            left = max(0.0, task.tune.minutes - spent) / (len(wanted) - place)
        if wanted[1:]:
            say(f"search {place + 1} of {len(wanted)}: {each.fold}")
        found.append(loop(each, task, left))
    return found


def _once_more(audit: Stage, task: TaskConfig, found: Found) -> Found:
    """Return the same with the predictions and epochs of the best settings, trained once more.

    The best trial may have been another machine's, whose networks are not here.
    """
    objective = trials.from_job(**trials.job_of(audit, task, found.fold))
    done = objective.outcomes(found.settings, found.number)
    value = float(np.mean([each.figures[objective.figure] for each in done]))
    if abs(value - found.value) > _ROUNDING:
        say(
            f"note: the best trial of '{found.name}' came to {found.value:.6f}, trained once more "
            f"on this machine to {value:.6f}; the report's inner figure is the latter"
        )
    return replace(
        found,
        epochs=round(float(np.median([each.epochs for each in done]))),
        predictions=pd.concat([each.predictions for each in done], ignore_index=True),
    )
