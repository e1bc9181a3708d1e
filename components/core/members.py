"""Trained weights with all that a prediction needs: one network per fold and seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field
from safetensors.torch import load_file
from torch import nn

from components.core.config.base import Frozen
from components.core.data.cohort import Rows
from components.core.models.registry import build_model
from components.core.models.spec import DataSpec

WEIGHTS = "best.safetensors"
STATS = "norm_stats.json"
REFIT = "refit"


class Member(Frozen):
    """One trained network.

    Attributes:
        fold: the fold it was trained in, or `refit`.
        variant: what it was trained without (`without:ecg`), on what input alone (`only:pcg`) or
            for what head alone (`alone:lvef`), for comparison; empty for the model itself.
        seed: of its initialisation and training.
        folder: of its weights, relative to the train stage.
        best_epoch: whose weights were kept, from 0.
        model: settings of its network where they are its fold's own; empty for the training's.
    """

    fold: str
    variant: str = ""
    seed: int
    folder: str
    best_epoch: int = Field(ge=0)
    model: dict[str, Any] = Field(default_factory=dict[str, Any])

    @property
    def spec_key(self) -> str:
        """Return under which name a training keeps the shapes of this network's batches."""
        return f"{self.variant}/{self.fold}" if self.variant else self.fold


def data_spec(rows: Rows, *, leads: int, length: int, heads: dict[str, int]) -> DataSpec:
    """Return the shapes of batches of `rows`; `heads` is head → number of logits."""
    has_ecg = rows.reader is not None
    return DataSpec(
        leads=leads if has_ecg else 0,
        length=length if has_ecg else 0,
        tabular=int(rows.tabular.shape[1]),
        text=int(rows.text.shape[1]),
        arrays={name: part.reader.shape for name, part in rows.arrays.items()},
        events=0 if rows.events is None else rows.events.stats.width,
        heads=heads,
    )


def pretrained_folder(train: Path) -> Path:
    """Return where a train stage keeps what it was told of the model that it started from."""
    return train / "pretrained"


def load_model(settings: dict[str, Any], spec: DataSpec, weights: Path) -> nn.Module:
    """Return a model with the weights of a safetensors file."""
    model = build_model(settings, spec)
    model.load_state_dict(load_file(str(weights)))
    return model.eval()
