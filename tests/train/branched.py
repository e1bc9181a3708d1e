"""Fits of the network of branches on a small cohort of pictures, sounds and clinical fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from components.core.config.fit import FitConfig
from components.core.config.heads import BinaryHead, HeadMap
from components.core.data.cohort import Rows
from components.core.device import Place
from components.core.members import data_spec
from components.core.models.registry import build_model
from components.train.fit import FitJob, FitResult, OnEpoch, fit

CPU = Place("cpu", "fp32", "test")
HEADS: HeadMap = {"toy": BinaryHead()}
SMALL: dict[str, Any] = {
    "name": "multimodal", "image_width": 4, "image_depth": 1, "sound_width": 4, "sound_depth": 1,
    "hidden": 4, "head_hidden": 4,
}  # fmt: skip


def network(rows: Rows, *, seed: int = 0, **settings: Any) -> nn.Module:
    """Return a freshly initialised network for the rows."""
    torch.manual_seed(seed)
    spec = data_spec(rows, leads=8, length=128, heads={"toy": 2})
    return build_model(SMALL | settings, spec)


def run(
    parts: tuple[Rows, Rows | None],
    folder: Path,
    *,
    model: nn.Module | None = None,
    seed: int = 0,
    on_epoch: OnEpoch | None = None,
    name: str = "",
    **settings: Any,
) -> FitResult:
    """Return what a fit of `model`, or of a small network, came to."""
    plain: dict[str, Any] = {"epochs": 3, "batch": 8, "lr": 0.01, "monitor": "loss"}
    config = FitConfig.model_validate(plain | settings)
    train, val = parts
    job = FitJob(train=train, val=val, config=config, heads=HEADS, place=CPU, seed=seed,
                 folder=folder, name=name, on_epoch=on_epoch)  # fmt: skip
    return fit(model or network(train, seed=seed), job)
