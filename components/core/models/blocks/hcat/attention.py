"""Attention in which every key counts by a weight: 0 is as if it were not there.

A weight w enters as log w beside the scores, so that a key of weight ½ has half the say that it
would have with the same score and weight 1.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from components.core.models.blocks.dropout import Dropout

# Weights below count as none: e⁻²⁰ beside any other key; scores stay finite where all are 0.
_LEAST = 2e-9
_START = 0.02


class AttentionPool(nn.Module):
    """Tokens `[B, T, D]` → `[B, D]`, their mean by learned weights.

    Attention-based pooling (Ilse, Tomczak and Welling, ICML 2018) with one linear score; it starts
    near the plain mean.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1, bias=False)
        nn.init.normal_(self.score.weight, std=_START / width**0.5)

    def forward(self, tokens: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the mean; `weight` `[B, T]` in [0, 1], None where all count fully."""
        scores = self.score(tokens)[..., 0].float()
        if weight is not None:
            scores = scores + log_weight(weight)
        return (scores.softmax(1)[..., None] * tokens).sum(1)


def log_weight(weight: Tensor) -> Tensor:
    """Return the logarithm of weights in [0, 1], or bool, finite also of 0."""
    return weight.float().clamp(min=_LEAST).log()


class Attention(nn.Module):
    """Queries `[B, Q, D]` over keys `[B, T, D]` → `[B, Q, D]`, of several heads."""

    def __init__(self, width: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        # Keys have no bias: it would shift all scores of a query alike, and softmax is blind to it.
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, queries: Tensor, keys: Tensor, weight: Tensor) -> Tensor:
        """Return what the queries find; `weight` `[B, T]` of each key."""
        q, k, v = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in (self.query(queries), self.key(keys), self.value(keys))
        )
        bias = log_weight(weight)[:, None, None].to(q.dtype)
        dropout = self.dropout if self.training else 0.0
        found = functional.scaled_dot_product_attention(q, k, v, bias, dropout)
        return self.out(found.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """One Transformer layer `[B, T, D]` → `[B, T, D]`, norms first (Xiong et al., ICML 2020)."""

    def __init__(self, width: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(width, heads=heads, dropout=dropout)
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dense = nn.Sequential(
            nn.Linear(width, 2 * width),
            nn.GELU(),
            Dropout(dropout),
            nn.Linear(2 * width, width),
            Dropout(dropout),
        )

    def forward(self, tokens: Tensor, weight: Tensor) -> Tensor:
        """Return the tokens; `weight` `[B, T]` says how much each counts as a key."""
        own = self.first(tokens)
        tokens = tokens + self.attention(own, own, weight)
        return tokens + self.dense(self.second(tokens))
