"""Embeddings of their own widths → tokens of one width."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from components.core.modalities import EmbeddingModality
from components.core.models.blocks.hcat.attention import stacked
from components.core.models.blocks.hcat.records import Values


class Projection(nn.Module):
    """One modality `[B, W]` → `[B, D]`; the learned `absent` marks what was imputed."""

    def __init__(self, width: int, d_model: int) -> None:
        super().__init__()
        self.body = nn.Linear(width, d_model)
        self.absent = nn.Parameter(0.02 * torch.randn(d_model))

    def forward(self, values: Tensor, there: Tensor) -> Tensor:
        """Return `[B, D]`; `there` `[B]` bool, False where `values` are imputed."""
        own = self.body(values)
        return torch.where(there[:, None], own, own + self.absent.to(own.dtype))


class Projections(nn.Module):
    """Every modality → tokens `[B, M, D]`, each with the learned vector of its modality."""

    def __init__(self, widths: Mapping[EmbeddingModality, int], d_model: int) -> None:
        super().__init__()
        self.each = nn.ModuleDict({name: Projection(w, d_model) for name, w in widths.items()})
        self.modality = nn.Parameter(0.02 * torch.randn(len(widths), d_model))

    def forward(self, values: Values, present: Tensor) -> Tensor:
        """Return the tokens of values; those not `present` `[B, M]` are imputed ones."""
        tokens = [
            each(values[name], present[:, place])  # pyright: ignore[reportArgumentType]
            for place, (name, each) in enumerate(self.each.items())
        ]
        return stacked(tokens) + self.modality
