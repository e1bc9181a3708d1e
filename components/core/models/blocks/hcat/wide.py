"""What the heads answer linearly from the embeddings themselves, beside the network's answers.

A linear path beside a deep one learns what is additive without its bottleneck, and leaves the deep
one the rest (Cheng et al., DLRS 2016, "wide and deep").
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from components.core.models.blocks.dropout import Dropout
from components.core.models.blocks.hcat.layout import Layout

# Coefficients are this times their parameters, so that AdamW's steps, all about the learning rate,
# move them far enough (docs/LOG.md).
_GAIN = 3.0


class Wide(nn.Module):
    """Values `[B, V]` and the weight of every modality `[B, M]` → `{head: [B, k]}`.

    Entries are divided by the root of their modality's width, so that a modality of many entries
    does not drown the others; all coefficients start at 0.

    Args:
        layout: of the values.
        heads: name → number of logits.
        dropout: of entries, which shrinks as ridge regression does.
    """

    def __init__(self, layout: Layout, heads: Mapping[str, int], *, dropout: float) -> None:
        super().__init__()
        self.layout, self.drop = layout, Dropout(dropout)
        # By name: a model that is loaded may have its heads in another order.
        self.each = nn.ParameterDict(
            {name: torch.zeros(outputs, layout.total) for name, outputs in heads.items()}
        )
        widths = torch.tensor([float(width) for width in layout.widths.values()])
        self.register_buffer("scale", layout.spread(_GAIN * widths.rsqrt()[None]), persistent=False)

    def forward(self, values: Tensor, weight: Tensor) -> dict[str, Tensor]:
        """Return what is to be added to every head's logits."""
        own = self.drop(values) * self.scale * self.layout.spread(weight)
        return {name: nn.functional.linear(own, each) for name, each in self.each.items()}
