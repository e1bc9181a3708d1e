"""`ecg+tabular`: the CNN and the tabular branch, fused late.

Without tabular columns in the data the tabular branch is empty and the model is the CNN; the
training run says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from components.core.models import ecg
from components.core.models.blocks.mlp import Heads, TabularBranch, present
from components.core.models.spec import DataSpec

if TYPE_CHECKING:
    import optuna

NAME = "ecg+tabular"


class Config(ecg.Config):
    """Settings of the CNN and of the tabular branch.

    Attributes:
        tabular_hidden: width of the tabular branch.
        ecg_hidden: the CNN's features are projected to this width before they are fused.
    """

    tabular_hidden: int = Field(default=32, ge=2)
    ecg_hidden: int = Field(default=32, ge=2)


class FusionModel(nn.Module):
    """Batch with `ecg` and `tabular` and their masks; either may be absent in a row."""

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.ecg = ecg.encoder(config, spec)
        self.project = nn.Sequential(nn.Linear(self.ecg.features, config.ecg_hidden), nn.ReLU())
        self.absent = nn.Parameter(torch.zeros(config.ecg_hidden))
        self.tabular = (
            TabularBranch(spec.tabular, hidden=config.tabular_hidden, dropout=config.dropout)
            if spec.tabular
            else None
        )
        features = config.ecg_hidden + (config.tabular_hidden if spec.tabular else 0)
        self.heads = Heads(features, spec.heads, hidden=config.head_hidden, dropout=config.dropout)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of every head."""
        raw = self.ecg(batch["ecg"], batch["ecg_lead_mask"], batch.get("ecg_valid"))
        parts = [present(self.project(raw), batch.get("ecg_mask"), self.absent)]
        if self.tabular is not None:
            parts.append(self.tabular(batch["tabular"], batch.get("tabular_mask")))
        return self.heads(torch.cat(parts, dim=1))


def build(config: Config, spec: DataSpec) -> nn.Module:
    """Return a freshly initialised model."""
    return FusionModel(config, spec)


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """Return settings drawn by an Optuna trial."""
    width = trial.suggest_categorical("model.tabular_hidden", [8, 16, 32, 64])
    return {**ecg.suggest(trial), "tabular_hidden": width}
