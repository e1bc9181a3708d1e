"""A small cohort of embeddings with two endpoints, and a network that takes them."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import torch
from torch import Tensor, nn

from components.core.config.base import Frozen
from components.core.config.task import TaskConfig
from components.core.modalities import EMBEDDED
from components.core.models.spec import DataSpec
from components.core.store import Stage
from tests import embedding_cohort
from tests.chain import audited, task_config
from tests.embedding_cohort import (
    SPLIT,
    ingested_embeddings,
    prepared_embeddings,
    write_embedding_cohort,
)

OWN_LABEL: dict[str, Any] = embedding_cohort.LABEL
HORIZON, RECURRENCE = 1826.0, 730.0
HEADS: dict[str, Any] = embedding_cohort.HEADS | {
    "survival_time": {"kind": "survival", "horizons_days": [730, HORIZON]},
    "recurrence_time": {
        "kind": "survival", "endpoint": "recurrence", "horizons_days": [365, RECURRENCE],
    },
}  # fmt: skip


class Settings(Frozen):
    """Of the stand-in network."""

    hidden: int = 8


class Network(nn.Module):
    """A layer on every embedding side by side, and a learned vector for an absent one."""

    def __init__(self, config: Settings, spec: DataSpec) -> None:
        super().__init__()
        widths = {name: shape[-1] for name, shape in spec.arrays.items()}
        self.layers = nn.ModuleDict({n: nn.Linear(w, config.hidden) for n, w in widths.items()})
        self.absent = nn.ParameterDict(
            {n: nn.Parameter(torch.zeros(config.hidden)) for n in widths}
        )
        joint = config.hidden * len(widths)
        self.heads = nn.ModuleDict({n: nn.Linear(joint, k) for n, k in spec.heads.items()})

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of every head."""
        parts: list[Tensor] = []
        for name, layer in self.layers.items():
            values = batch[name]
            if f"{name}_valid" in batch:
                valid = batch[f"{name}_valid"][:, :, None]
                values = (values * valid).sum(1) / valid.sum(1).clamp(min=1)
            there = batch[f"{name}_mask"][:, None] > 0
            parts.append(torch.where(there, torch.tanh(layer(values)), self.absent[name]))
        joint = torch.cat(parts, 1)
        return {name: head(joint) for name, head in self.heads.items()}


STAND_IN = cast(
    ModuleType,
    SimpleNamespace(
        NAME="stand_in", INPUTS=EMBEDDED, Config=Settings, build=Network, suggest=lambda trial: {}
    ),
)


def audited_cohort(folder: Path, *, patients: int = 500, **split: Any) -> Stage:
    """Return the audit of a cohort whose spatial embeddings keep their patches."""
    folder.mkdir(parents=True, exist_ok=True)
    source = ingested_embeddings(write_embedding_cohort(folder, patients=patients))
    stage = prepared_embeddings(
        source, heads=HEADS, split=split or SPLIT, embeddings={"pool": "attention"}
    )
    return audited(stage, label=embedding_cohort.LABEL)


def task(*baselines: str) -> TaskConfig:
    """Return the task; the stand-in has to be known among the models."""
    own: dict[str, Any] = {
        "label": OWN_LABEL, "heads": HEADS, "model": {"name": "stand_in"},
        "fit": {"epochs": 6, "batch": 32, "lr": 0.02, "patience": 6, "device": "cpu",
                "precision": "fp32", "refit": False, "monitor": "loss"},
        "evaluate": {"draws": 100, "baselines": list(baselines),
                     "skip": ["learning_curve", "optimism"]},
    }  # fmt: skip
    return task_config(**own)
