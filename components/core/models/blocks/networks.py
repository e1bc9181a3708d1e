"""The networks behind the model files. A model file stays free of torch until it builds.

So a pipeline can validate a task file, and find everything finished, without the seconds that
importing torch takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from components.core.errors import ConfigError
from components.core.models.blocks.mlp import Heads, TabularBranch, present
from components.core.models.blocks.resnet1d import ResNet1d
from components.core.models.spec import DataSpec

if TYPE_CHECKING:
    from components.core.models import ecg, ecg_tabular, tabular


def encoder(config: ecg.Config, spec: DataSpec) -> ResNet1d:
    """Return the ECG encoder alone."""
    if spec.leads == 0:
        raise ConfigError("the model needs an ECG, but the data hold none; use model.name=tabular")
    return ResNet1d(
        spec.leads,
        width=config.width,
        depth=config.depth,
        kernel=config.kernel,
        dropout=config.dropout,
    )


class EcgModel(nn.Module):
    """Batch with `ecg`, `ecg_lead_mask` and, where records are padded, `ecg_valid`."""

    def __init__(self, config: ecg.Config, spec: DataSpec) -> None:
        super().__init__()
        self.ecg = encoder(config, spec)
        self.heads = Heads(
            self.ecg.features, spec.heads, hidden=config.head_hidden, dropout=config.dropout
        )

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of every head."""
        return self.heads(self.ecg(batch["ecg"], batch["ecg_lead_mask"], batch.get("ecg_valid")))


class TabularModel(nn.Module):
    """Batch with `tabular` `[B, F]` and, where a row may be absent, `tabular_mask` `[B]`."""

    def __init__(self, config: tabular.Config, spec: DataSpec) -> None:
        super().__init__()
        if spec.tabular == 0:
            raise ConfigError(
                "the model needs tabular columns, but the data hold none; declare them under "
                "ingest.options or use model.name=ecg"
            )
        self.tabular = TabularBranch(spec.tabular, hidden=config.hidden, dropout=config.dropout)
        self.heads = Heads(config.hidden, spec.heads, hidden=config.hidden, dropout=config.dropout)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of every head."""
        return self.heads(self.tabular(batch["tabular"], batch.get("tabular_mask")))


class FusionModel(nn.Module):
    """Batch with `ecg` and `tabular` and their masks; either may be absent in a row."""

    def __init__(self, config: ecg_tabular.Config, spec: DataSpec) -> None:
        super().__init__()
        self.ecg = encoder(config, spec)
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
