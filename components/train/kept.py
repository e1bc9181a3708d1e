"""Which networks of a training are kept: the one that goes on, the best of each head, the last."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pandas as pd
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from safetensors.torch import save_file
from torch import Tensor

from components.core.config.fit import FitConfig
from components.core.config.heads import HeadMap
from components.core.files import write_atomic
from components.core.members import WEIGHTS
from components.train.figures import MEAN, column
from components.train.module import Module

FINAL = "final.safetensors"
State = dict[str, Tensor]


def best_file(name: str) -> str:
    """Return the file of a head's, or the mean's, best weights."""
    return f"best_{name}.safetensors"


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """The best networks of a training with a validation part.

    Attributes:
        watched: head, or `mean` → column of the history that judges it.
        column: that decides the network that goes on.
        stop: ends the training.
        best: keeps the network that goes on.
        each: head, or `mean` → what keeps its best network; empty unless `fit.checkpoints` is
            `all`.
    """

    watched: dict[str, str]
    column: str
    stop: EarlyStopping
    best: ModelCheckpoint
    each: dict[str, ModelCheckpoint]

    def callbacks(self) -> list[lightning.Callback]:
        """Return the callbacks in the order in which they must be called."""
        # One checkpoint may be both: Lightning takes no two that watch the same figure.
        others = [each for each in self.each.values() if each is not self.best]
        own: list[EarlyStopping | ModelCheckpoint] = [self.stop, self.best, *others]
        return [Forgetting(own), *own]

    def epochs(self, history: pd.DataFrame, since: int) -> dict[str, int]:
        """Return head, or `mean` → its best epoch, from 0, among those that may be kept."""
        sign = 1.0 if self.best.mode == "max" else -1.0
        found: dict[str, int] = {}
        for name, place in self.watched.items():
            values = sign * history[place].to_numpy(np.float64)[since:]
            found[name] = since + int(np.nan_to_num(values, nan=-np.inf, neginf=-np.inf).argmax())
        return found


class Forgetting(lightning.Callback):
    """Sets early stopping and best checkpoints back where a training's phases say so.

    Args:
        own: in their state before the first epoch.
    """

    def __init__(self, own: list[EarlyStopping | ModelCheckpoint]) -> None:
        self._own = own
        self._before: list[dict[str, Any]] = []

    def setup(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str
    ) -> None:
        """Note how they begin: before a checkpoint is read."""
        del trainer, pl_module, stage
        self._before = [copy.deepcopy(each.state_dict()) for each in self._own]

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Set them back before they look at this epoch's figures."""
        del trainer
        if isinstance(pl_module, Module) and pl_module.phases.fresh:
            for each, before in zip(self._own, self._before, strict=True):
                each.load_state_dict(copy.deepcopy(before))


def keeper(folder: Path, judged: tuple[str, ...], heads: HeadMap, config: FitConfig) -> Keeper:
    """Return what keeps the best networks.

    Args:
        folder: receives the checkpoints.
        judged: the heads that validation can judge.
        heads: what is trained, the primary head first.
        config: all settings.
    """
    mode = "min" if config.monitor == "loss" else "max"

    def checkpoint(name: str, place: str) -> ModelCheckpoint:
        return ModelCheckpoint(
            dirpath=folder, filename=name, monitor=place, mode=mode, save_top_k=1,
            save_weights_only=True, enable_version_counter=False,
        )  # fmt: skip

    several = (MEAN,) if len(heads) > 1 else ()
    watched = {name: column(name, heads, config) for name in (*judged, *several)}
    own = column(config.keep, heads, config)
    best = checkpoint("best", own)
    every = watched if config.checkpoints == "all" else {}
    return Keeper(
        watched=watched,
        column=own,
        stop=EarlyStopping(monitor=own, mode=mode, patience=config.patience),
        best=best,
        each={
            name: best if place == own else checkpoint(f"best_{name}", place)
            for name, place in every.items()
        },
    )


def read_state(module: Module, checkpoint: ModelCheckpoint) -> int:
    """Set a module to a checkpoint's weights and return its epoch."""
    kept = torch.load(checkpoint.best_model_path, map_location="cpu", weights_only=True)
    module.load_state_dict(kept["state_dict"])
    return int(kept["epoch"])


def state_of(module: Module) -> State:
    """Return the network's weights, on the CPU."""
    return {k: v.contiguous().cpu() for k, v in module.model.state_dict().items()}


def write_weights(folder: Path, files: Mapping[str, State]) -> None:
    """Write weights by file name, each whole or not at all."""
    for name, state in files.items():
        write_atomic(folder / name, lambda p, own=state: save_file(own, str(p)))


def every_state(module: Module, keeping: Keeper | None) -> dict[str, State]:
    """Return file → weights of the last epoch, and of each head's best and their mean's."""
    found = {FINAL: {name: value.clone() for name, value in state_of(module).items()}}
    for name, checkpoint in ({} if keeping is None else keeping.each).items():
        read_state(module, checkpoint)
        found[best_file(name)] = {k: v.clone() for k, v in state_of(module).items()}
    return found


def told(
    history: pd.DataFrame, epochs: Mapping[str, int], files: Mapping[str, State]
) -> dict[str, dict[str, Any]]:
    """Return name → epoch, file and validation figures of what was kept, as JSON values."""
    named = {name: best_file(name) for name in epochs} | {"kept": WEIGHTS, "final": FINAL}
    there = {WEIGHTS, *files}
    return {
        name: {
            "epoch": epoch,
            "file": named[name] if named[name] in there else "",
            "figures": _figures(history.iloc[epoch]),
        }
        for name, epoch in epochs.items()
    }


def _figures(row: pd.Series) -> dict[str, float]:
    return {str(name): float(value) for name, value in row.items()
            if str(name).startswith("val/") and np.isfinite(value)}  # fmt: skip
