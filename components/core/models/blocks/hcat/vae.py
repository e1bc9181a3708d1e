"""A joint variational autoencoder of all modalities, whichever of them are there.

After JAMIE (Cohen Kalafut, Huang and Wang, Nature Machine Intelligence 2023;5:631): encoders of
every modality meet in one latent, from which all are decoded. Here encoders work at several scales,
and attention joins what is there instead of a fixed average.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from components.core.models.blocks.dropout import Dropout
from components.core.models.blocks.hcat.attention import AttentionPool, Layer
from components.core.models.blocks.hcat.layout import Layout
from components.core.models.blocks.hcat.projection import SLOW, Outputs

# Bounds of the logarithm of the latent's variance: e⁻⁸ to e⁴.
_LOG_VARIANCE = (-8.0, 4.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Latent:
    """The joint latent of B records.

    Attributes:
        mean: `[B, Z]`.
        log_variance: `[B, Z]`.
        drawn: `[B, Z]` a draw while training, the mean otherwise.
    """

    mean: Tensor
    log_variance: Tensor
    drawn: Tensor


class ScaleEncoder(nn.Module):
    """Token `[B, D]` of one modality → `[B, S, D]`, through hidden widths D, D/2 and so on."""

    def __init__(self, d_model: int, *, scales: int, dropout: float) -> None:
        super().__init__()
        self.each = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(d_model),
                nn.Linear(d_model, d_model >> scale),
                nn.GELU(),
                Dropout(dropout),
                nn.Linear(d_model >> scale, d_model),
            )
            for scale in range(scales)
        )

    def forward(self, token: Tensor) -> Tensor:
        """Return one token a scale."""
        return torch.stack([each(token) for each in self.each], dim=1)


class JointEncoder(nn.Module):
    """Tokens `[B, M, D]` → the joint latent, from those that are there alone."""

    def __init__(
        self, modalities: int, *, d_model: int, latent: int, scales: int, heads: int, dropout: float
    ) -> None:
        super().__init__()
        self.scales = scales
        self.each = nn.ModuleList(
            ScaleEncoder(d_model, scales=scales, dropout=dropout) for _ in range(modalities)
        )
        self.cross = Layer(d_model, heads=heads, dropout=dropout)
        self.pool, self.norm = AttentionPool(d_model), nn.LayerNorm(d_model)
        self.mean, self.log_variance = nn.Linear(d_model, latent), nn.Linear(d_model, latent)

    def forward(self, tokens: Tensor, weight: Tensor) -> Latent:
        """Return the latent; `weight` `[B, M]` is 0 for what is not there."""
        own = torch.cat([each(tokens[:, place]) for place, each in enumerate(self.each)], dim=1)
        counts = weight.repeat_interleave(self.scales, dim=1)
        joint = self.norm(self.pool(self.cross(own, counts), counts))
        mean = self.mean(joint).float()
        log_variance = self.log_variance(joint).float().clamp(*_LOG_VARIANCE)
        if not self.training:
            return Latent(mean=mean, log_variance=log_variance, drawn=mean)
        drawn = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return Latent(mean=mean, log_variance=log_variance, drawn=drawn)


class JointDecoder(nn.Module):
    """Latent `[B, Z]` → tokens `[B, M, D]`, and all modalities `[B, V]`, twice.

    What is seen must be found again in the latent, with all that is its own; what is not seen can
    only be told from what modalities share. With one last layer for both, a modality that shares
    nothing was imputed worse than by its mean.
    """

    def __init__(self, layout: Layout, *, d_model: int, latent: int, dropout: float) -> None:
        super().__init__()
        self.modality = nn.Parameter(0.02 * torch.randn(len(layout.widths), d_model))
        self.lift = nn.Linear(latent, d_model)
        self.body = nn.Sequential(
            nn.LayerNorm(d_model),
            nn.Linear(d_model, d_model),
            nn.GELU(),
            Dropout(dropout),
        )
        self.imputed = Outputs(layout, d_model, gain=SLOW)
        self.same = Outputs(layout, d_model)

    def forward(self, drawn: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the tokens, what they say of modalities not seen, and of those that are."""
        tokens = self.body(self.lift(drawn)[:, None] + self.modality)
        return tokens, self.imputed(tokens), self.same(tokens)
