"""Encoders of every modality, fused to one hidden representation, and the heads on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor, nn

from components.core.errors import ConfigError
from components.core.models.blocks.mlp import Heads, TabularBranch, present
from components.core.models.blocks.networks import encoder
from components.core.models.spec import DataSpec

if TYPE_CHECKING:
    from components.core.models import trunk


class Projected(nn.Module):
    """Features `[B, F]` → `[B, hidden]`, with a learned vector where a record has none."""

    def __init__(self, features: int, hidden: int, *, dropout: float) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(dropout))
        self.absent = nn.Parameter(torch.zeros(hidden))

    def forward(self, features: Tensor, mask: Tensor | None) -> Tensor:
        """Return `[B, hidden]`; `mask` `[B]` is 0 where the modality is absent."""
        return present(self.body(features), mask, self.absent)


class Trunk(nn.Module):
    """Batch with `ecg`, `text` and `tabular`, as many as the data have → hidden `[B, H]`."""

    def __init__(self, config: trunk.Config, spec: DataSpec) -> None:
        super().__init__()
        if not (spec.leads or spec.text or spec.tabular):
            raise ConfigError("the data hold neither ECG, notes nor tabular columns; bring one")
        self.ecg = encoder(config, spec) if spec.leads else None
        self.ecg_part = (
            Projected(self.ecg.features, config.ecg_hidden, dropout=config.dropout)
            if self.ecg is not None
            else None
        )
        self.text_part = (
            Projected(spec.text, config.text_hidden, dropout=config.dropout) if spec.text else None
        )
        self.tabular_part = (
            TabularBranch(spec.tabular, hidden=config.tabular_hidden, dropout=config.dropout)
            if spec.tabular
            else None
        )
        width = (
            (config.ecg_hidden if spec.leads else 0)
            + (config.text_hidden if spec.text else 0)
            + (config.tabular_hidden if spec.tabular else 0)
        )
        self.fuse = nn.Sequential(nn.Linear(width, config.hidden_size), nn.ReLU())
        self.features = config.hidden_size

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Return the hidden representation `[B, H]`."""
        parts: list[Tensor] = []
        if self.ecg is not None and self.ecg_part is not None:
            raw = self.ecg(batch["ecg"], batch["ecg_lead_mask"], batch.get("ecg_valid"))
            parts.append(self.ecg_part(raw, batch.get("ecg_mask")))
        if self.text_part is not None:
            parts.append(self.text_part(batch["text"], batch.get("text_mask")))
        if self.tabular_part is not None:
            parts.append(self.tabular_part(batch["tabular"], batch.get("tabular_mask")))
        return self.fuse(torch.cat(parts, dim=1))


class TrunkModel(nn.Module):
    """The trunk and its heads.

    A frozen trunk has no gradients and stays in evaluation mode while the heads train: its
    normalisation layers keep their running statistics, and nothing is dropped in it.
    """

    def __init__(self, config: trunk.Config, spec: DataSpec) -> None:
        super().__init__()
        self.trunk = Trunk(config, spec)
        self.heads = Heads(
            self.trunk.features,
            spec.heads,
            hidden=config.head_hidden,
            dropout=config.head_dropout,
        )
        self._frozen = bool(config.init_from) and config.freeze
        if self._frozen:
            self.trunk.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> Self:
        """Set training or evaluation mode; a frozen trunk stays in the latter."""
        super().train(mode)
        if self._frozen:
            self.trunk.eval()
        return self

    def hidden(self, batch: dict[str, Tensor]) -> Tensor:
        """Return the hidden representation `[B, H]`."""
        return self.trunk(batch)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of every head."""
        return self.heads(self.trunk(batch))
