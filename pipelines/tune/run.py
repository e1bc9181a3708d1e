"""The walk of `tune`: a task's stages, with a search before its training."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from components.core import store
from components.core.config.task import TaskConfig
from components.core.config.tuned import before_tuning, tune_figures, tuned_lines, tuned_task
from components.core.errors import ConfigError
from components.core.progress import say
from pipelines.run import checked, parent, publish, settled, walk_stages

SEARCH, TRAIN = "search", "train"
# Options that are text whatever they look like: a study may be called 7.
_TEXTS = ("storage", "study")


def with_options(overrides: str, given: Mapping[str, str]) -> str:
    """Return `overrides` with the options of `tune` that were given, for `load_task`.

    Args:
        overrides: `key=value` pairs separated by spaces.
        given: option → its text; empty leaves the task file's own.
    """
    pairs = [
        f"tune.{name}={json.dumps(value) if name in _TEXTS else value}"
        for name, value in given.items()
        if value
    ]
    return shlex.join([*shlex.split(overrides), *pairs]) if pairs else overrides


def tune(task: TaskConfig) -> str:
    """Search for a task's settings, train and evaluate it with them; return the parent run's id.

    Raises:
        ConfigError: the task has no stage `train`, or an unknown one.
        UserError: a stage could not do with what it was given.
        RefusedError: a stage refused (the audit).
        CardioError: a stage failed.
    """
    task = checked(before_tuning(task))
    ahead, rest = _around_training(task)
    with parent(task, f"tune_{task.task}") as (walk, recorder):
        walk_stages([*ahead, SEARCH], task, walk, recorder)
        found = store.read_stage(store.data_root() / SEARCH / walk.prints[SEARCH])
        chosen = tuned_task(task, found.fingerprint, found.facts)
        recorder.metrics(tune_figures(found.facts))
        settled(chosen, recorder)
        for line in tuned_lines(found.facts):
            say(line)
        walk_stages(rest, chosen, walk, recorder)
        publish(chosen, walk, recorder)
        return recorder.run_id


def _around_training(task: TaskConfig) -> tuple[list[str], list[str]]:
    """Return the stages before training, and training with those after it."""
    names = [name for name in task.stages if name != SEARCH]
    if TRAIN not in names:
        raise ConfigError(
            f"the task '{task.task}' has no stage '{TRAIN}', so there is nothing to search for; "
            "add it to 'stages'"
        )
    place = names.index(TRAIN)
    return names[:place], names[place:]
