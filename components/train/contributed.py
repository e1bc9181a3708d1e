"""What the modalities contribute to the networks of a training, at the epochs that were kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from torch import nn

from components.core import contribution_facts as facts
from components.core.contribution_doubts import doubts
from components.core.contribution_facts import Network
from components.core.contributions import measure
from components.core.data.cohort import Rows
from components.core.device import Place
from components.core.files import write_atomic
from components.core.heads.registry import View
from components.core.progress import say
from components.train.fit import FitResult

PICTURE = "training_history.png"


def was_watched(result: FitResult) -> bool:
    """Return whether contributions were measured while the network was trained."""
    return any(column.startswith(f"{facts.SHARE}/") for column in result.history.columns)


def at_best(
    model: nn.Module, result: FitResult, val: Rows, *, view: View, place: Place, seed: int
) -> Network:
    """Return what the modalities contribute to the kept weights.

    Args:
        model: with the kept weights.
        result: of its fit.
        val: its validation part.
        view: the primary head.
        place: that computes.
        seed: of the training.
    """
    model.to(place.device)
    return measure(
        model, val, view=view, device=place.device, fold=val.stats.fold, seed=seed,
        epoch=result.best_epoch,
    )  # fmt: skip


def draw(folder: Path, history: pd.DataFrame, network: Network) -> Path:
    """Write the picture of a training into its folder and return its path."""
    # Matplotlib costs half a second, which trainings without branches are spared.
    from components.core.report.style import render
    from components.core.report.training_history import training_history

    figure = training_history(history, network)
    write_atomic(folder / PICTURE, lambda p: p.write_bytes(render(figure, "png")))
    return folder / PICTURE


def draw_pretrained(folder: Path, result: FitResult) -> None:
    """Write the picture of a training that imputes into its folder; nothing of any other."""
    if "val/impute" not in result.history:
        return
    from components.core.report.style import render
    from components.core.report.training_history import pretrained_history

    figure = pretrained_history(result.history, result.best_epoch)
    write_atomic(folder / PICTURE, lambda p: p.write_bytes(render(figure, "png")))


def said(networks: list[Network]) -> list[str]:
    """Return what the terminal says: shares of every network, and what lies outside the targets."""
    lines: list[str] = []
    for each in networks:
        lead = f"train: contributions of {each.fold}, seed {each.seed}, epoch {each.epoch + 1}"
        shown = ", ".join(f"{name} {facts.percent(each.share[name])}" for name in each.names)
        lines.append(f"{lead}: {shown}; AUROC on validation {each.auroc:.3f}")
        lines += [
            f"  {'warning' if beyond else 'note'}: {clause}"
            for beyond, clause in facts.cautions(each.share)
        ]
    return [*lines, *(f"  warning: {clause}" for clause in doubts(networks))]


def tell(networks: list[Network]) -> dict[str, Any]:
    """Say what the networks' modalities contribute and return it as facts of the stage."""
    for line in said(networks):
        say(line)
    return {facts.KEY: [each.to_fact() for each in networks]} if networks else {}
