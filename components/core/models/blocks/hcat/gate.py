"""How much each modality of each record counts."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class QualityGate(nn.Module):
    """Tokens `[B, M, D]` with their quality → weights `[B, M]` in (0, 1).

    A sigmoid of quality and content; what was imputed counts less, by its confidence and by the SD
    that its imputation states.
    """

    def __init__(self, modalities: int, d_model: int) -> None:
        super().__init__()
        self.content = nn.Linear(d_model, 1)
        nn.init.normal_(self.content.weight, std=0.1 / d_model**0.5)
        # Of full quality sigmoid(2) = 0.88, of none ½.
        nn.init.zeros_(self.content.bias)
        self.quality = nn.Parameter(torch.full((modalities,), 2.0))
        self.spread = nn.Parameter(torch.ones(modalities))

    def forward(
        self, tokens: Tensor, *, quality: Tensor, present: Tensor, confidence: Tensor, sd: Tensor
    ) -> Tensor:
        """Return the weights.

        Args:
            tokens: of what is there and of what is imputed.
            quality: `[B, M]` in [0, 1]; that of an absent modality does not matter.
            present: `[B, M]` bool.
            confidence: `[B, M]` in (0, 1), of what is imputed.
            sd: `[B, M]` mean stated SD of what is imputed.
        """
        content = self.content(tokens)[..., 0].float()
        there = torch.sigmoid(content + self.quality * quality)
        # At SD 0 as of full quality; less the larger the SD, never more.
        spread = self.quality - nn.functional.softplus(self.spread) * sd
        imputed = confidence * torch.sigmoid(content + spread)
        return torch.where(present, there, imputed)
