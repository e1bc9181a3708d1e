"""What searches came to, and the files of the stage that keeps it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from components.core.config.task import TaskConfig
from components.core.config.tune import Scalar
from components.core.config.tuned import INNER_PREDICTIONS, tuned_task
from components.core.store import Workspace

TRIALS, BEST = "trials.parquet", "best.yaml"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one search came to.

    Attributes:
        name: of the study.
        fold: whose patients it saw; see `parts_of`.
        settings: of the best trial.
        number: of the best trial.
        value: of the objective there; the best of many, hence optimistic.
        untuned: of the task's own settings; None where that trial was pruned or failed.
        states: state of a trial → how many.
        trials: one row per trial: `number`, `state`, `value` and settings.
        pages: file name → self-contained HTML, of one search of all.
        epochs: median of the best trial's fits; None where they were not trained once more.
        predictions: nested only: `patient_id, label, weight, logit, part` of the best trial's
            networks on the inner folds that they were not trained on.
    """

    name: str
    fold: str
    settings: dict[str, Scalar]
    number: int
    value: float
    untuned: float | None
    states: dict[str, int]
    trials: pd.DataFrame
    pages: dict[str, str] = field(default_factory=dict[str, str])
    epochs: int | None = None
    predictions: pd.DataFrame | None = None

    def facts(self) -> dict[str, Any]:
        """Return what needs no table, as JSON values."""
        names = ("name", "fold", "settings", "number", "value", "untuned", "states", "epochs")
        return {name: getattr(self, name) for name in names}


def write(work: Workspace, task: TaskConfig, found: list[Found], *, seen: bool) -> None:
    """Fill the stage of a search.

    Args:
        work: receives the files, counts and facts.
        task: that was searched for.
        found: every search; the last gives the task's own settings.
        seen: the search has seen patients who are tested.
    """
    last, nested = found[-1], found[-1].predictions is not None
    states: Counter[str] = Counter()
    for each in found:
        states.update(each.states)
    work.facts |= {
        "objective": task.tune.objective,
        "nested": nested,
        "inner_folds": task.tune.inner_folds if nested else 0,
        "seen": seen,
        "settings": last.settings,
        "fold_settings": {each.fold: each.settings for each in found[:-1]},
        "refit_epochs": last.epochs if found[:-1] else None,
        "value": last.value,
        "untuned": last.untuned,
        "gain": gain(task.tune.objective, last),
        "states": dict(states),
        "searches": [each.facts() for each in found],
    }
    work.counts |= {"searches": len(found), "trials": sum(states.values())}
    chosen = tuned_task(task, work.folder.name.removeprefix(".tmp-"), work.facts)
    work.path(BEST).write_text(chosen.to_yaml(), encoding="utf-8")
    write_tables(work, found)
    for each in found:
        for name, page in each.pages.items():
            work.path("pages", name).write_text(page, encoding="utf-8")
    work.path("search.json").write_text(json.dumps(work.facts, indent=1), encoding="utf-8")


def gain(objective: str, found: Found) -> float | None:
    """Return by how much the best trial beats the untuned one; above 0 is better."""
    if found.untuned is None:
        return None
    return found.untuned - found.value if objective == "loss" else found.value - found.untuned


def write_tables(work: Workspace, found: list[Found]) -> None:
    """Write the trials and the inner predictions of every search, each with its `fold`."""
    trials = pd.concat([each.trials.assign(fold=each.fold) for each in found], ignore_index=True)
    trials.to_parquet(work.path(TRIALS), index=False)
    trials.to_csv(work.path("trials.csv"), index=False)
    kept = [each.predictions.assign(fold=each.fold) for each in found
            if each.predictions is not None]  # fmt: skip
    if kept:
        pd.concat(kept, ignore_index=True).to_parquet(work.path(INNER_PREDICTIONS), index=False)
