"""Embeddings of their own widths → tokens of one width."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from components.core.models.blocks.hcat.layout import Layout

# Not 0, so that gradients pass to what comes before.
_START = 0.1
# Of what is added to a linear estimate.
SLOW = 0.1


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
    """All modalities `[B, V]` → tokens `[B, M, D]`, each with its modality's learned vector."""

    def __init__(self, layout: Layout, d_model: int) -> None:
        super().__init__()
        self.layout = layout
        self.each = nn.ModuleDict(
            {name: Projection(w, d_model) for name, w in layout.widths.items()}
        )
        self.modality = nn.Parameter(0.02 * torch.randn(len(layout.widths), d_model))

    def forward(self, values: Tensor, present: Tensor) -> Tensor:
        """Return the tokens; those not `present` `[B, M]` are of imputed values."""
        tokens = [
            cast(Projection, each)(own, present[:, place])
            for place, (each, own) in enumerate(
                zip(self.each.values(), self.layout.parts(values), strict=True)
            )
        ]
        return torch.stack(tokens, dim=1) + self.modality


class Outputs(nn.Module):
    """Tokens `[B, M, D]` → all modalities `[B, V]` in full precision, near 0 at first.

    Args:
        layout: of the answer.
        d_model: D.
        gain: weights are this times their parameters. AdamW's steps are all about the learning
            rate, and D of them add up: below 1, what is decoded moves as slowly as it must to
            learn from some hundred records without learning their noise.
    """

    def __init__(self, layout: Layout, d_model: int, *, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = gain
        self.each = nn.ModuleList(nn.Linear(d_model, w) for w in layout.widths.values())
        for each in self.each:
            nn.init.normal_(cast(nn.Linear, each).weight, std=_START / d_model**0.5)
            nn.init.zeros_(cast(nn.Linear, each).bias)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return what the tokens are decoded to."""
        own = [each(tokens[:, place]).float() for place, each in enumerate(self.each)]
        return self.gain * torch.cat(own, dim=1)
