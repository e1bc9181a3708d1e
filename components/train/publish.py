"""What a training shows in the tracking store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from components.core.config.task import TaskConfig
from components.core.contribution_facts import best as contributions
from components.core.runs import Recorder
from components.core.store import Stage
from components.train.attention_monitor import FOLDER
from components.train.contributed import PICTURE
from components.train.summary import SUMMARY

# Folds that stand alone, so that their figures need no fold in their name.
_SINGLE = {"holdout", "given", "temporal", "site"}


def live(recorder: Recorder, task: TaskConfig) -> Callable[[str, int, dict[str, float]], None]:
    """Return the epoch hook: one batched write per epoch, named after the member if several."""
    recorder.params({f"model.{key}": value for key, value in task.model.items()})
    recorder.params({f"fit.{key}": value for key, value in task.section("fit")["fit"].items()})

    def on_epoch(member: str, epoch: int, figures: dict[str, float]) -> None:
        named = figures if member in _SINGLE else {f"{member}/{n}": v for n, v in figures.items()}
        recorder.metrics(named, step=epoch)

    return on_epoch


def pictures(recorder: Recorder) -> Callable[[str, int, Path], None]:
    """Return the hook of pictures of attention: one image a member, stepped by epoch."""

    def on_picture(member: str, epoch: int, file: Path) -> None:
        own = FOLDER if member in _SINGLE else f"{FOLDER}/{member}"
        recorder.image(file, own, step=epoch)

    return on_picture


def stage(done: Stage, recorder: Recorder) -> None:
    """Log checklist, summary, statistics, pictures, and the mean of the members' best figures."""
    recorder.artifact(done.folder / "checklist.json")
    recorder.artifact(done.folder / SUMMARY)
    best: list[pd.Series] = []
    for member in done.facts["members"]:
        folder = done.folder / member["folder"]
        recorder.artifact(folder / "norm_stats.json", f"norm_stats/{member['fold']}")
        if (folder / PICTURE).is_file():
            fold = member["fold"]
            recorder.artifact(folder / PICTURE, None if fold in _SINGLE else f"history/{fold}")
        history = pd.read_parquet(folder / "history.parquet")
        if "val/auroc" in history:
            best.append(history.iloc[member["best_epoch"]])
    if best:
        means = pd.DataFrame(best).mean()
        chosen = ("val/auroc", "val/auprc", "val/loss")
        recorder.metrics({f"best/{name}": float(means[name]) for name in chosen})
    recorder.metrics({f"best/{name}": value for name, value in contributions(done.facts).items()})
