"""A task under the settings that a search chose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.core.config.task import TaskConfig
from components.core.config.tune import Tuned

# Of a nested search's stage: what the best trial's networks say of the patients of the
# inner folds that they were not trained on: patient_id, label, weight, logit, part, fold.
INNER_PREDICTIONS = "inner_predictions.parquet"


def before_tuning(task: TaskConfig) -> TaskConfig:
    """Return the task as a search takes it: without the folds' settings of an earlier one."""
    return task.model_copy(update={"tuned": None})


def tuned_task(task: TaskConfig, search: str, facts: Mapping[str, Any]) -> TaskConfig:
    """Return the task with the settings that a search chose for it and for its folds.

    Args:
        task: that was searched for.
        search: fingerprint of the search.
        facts: of its stage: `settings`, `fold_settings` and `refit_epochs`.
    """
    chosen = Tuned(search=search, folds=facts["fold_settings"], refit_epochs=facts["refit_epochs"])
    settled = before_tuning(task).with_settings(facts["settings"])
    return settled.model_copy(update={"tuned": chosen})


def tune_figures(facts: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures that a search puts on its runs; undefined ones are left out.

    Args:
        facts: of a search's stage.
    """
    states: Mapping[str, int] = facts["states"]
    found = {
        "tune/best": facts["value"],
        "tune/untuned": facts["untuned"],
        "tune/gain": facts["gain"],
        "tune/trials": sum(states.values()),
        "tune/pruned": states.get("pruned", 0),
        "tune/failed": states.get("failed", 0),
    }
    return {name: float(value) for name, value in found.items() if value is not None}


def tuned_lines(facts: Mapping[str, Any]) -> list[str]:
    """Return what a search came to, for people.

    Args:
        facts: of a search's stage.
    """
    before = "undefined" if facts["untuned"] is None else f"{facts['untuned']:.3f}"
    name = {"auroc": "AUROC", "auprc": "AUPRC", "loss": "loss"}[facts["objective"]]
    states = ", ".join(f"{count} {state}" for state, count in sorted(facts["states"].items()))
    chosen = ", ".join(f"{key} {_shown(value)}" for key, value in facts["settings"].items())
    several = len(facts["searches"])
    where = f" of {several} searches" if several > 1 else ""
    lines = [
        f"tuned: {name} on validation {before} untuned → {facts['value']:.3f} (the best of "
        f"{facts['searches'][-1]['states'].get('complete', 0)} finished trials, hence optimistic); "
        f"trials{where}: {states}",
        f"tuned: chosen settings: {chosen}",
    ]
    if facts["fold_settings"]:
        lines.append(
            f"tuned: {len(facts['fold_settings'])} outer folds have settings of their own, chosen "
            "without their test patients"
        )
    if facts["seen"]:
        lines.append(
            "tuned: warning: the settings were chosen on patients whom other folds test, so that "
            "the test figures are optimistic; leave tune.nested out for an honest one"
        )
    return lines


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
