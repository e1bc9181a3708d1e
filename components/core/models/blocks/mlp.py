"""Small dense parts: the tabular branch and the head."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn


class TabularBranch(nn.Module):
    """Encoded features `[B, F]` → `[B, hidden]`.

    A missing value comes in as 0 (the training mean) with its indicator column set to 1, so the
    branch tells the two apart. A whole missing row gets a learned vector instead.
    """

    def __init__(self, width: int, *, hidden: int, dropout: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(width, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
        )
        self.absent = nn.Parameter(torch.zeros(hidden))
        self.features = hidden

    def forward(self, tabular: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return `[B, hidden]`; `mask` `[B]` is 0 where the whole modality is absent."""
        return present(self.body(tabular), mask, self.absent)


def present(features: Tensor, mask: Tensor | None, absent: Tensor) -> Tensor:
    """Return `features` with the learned `absent` vector where `mask` `[B]` is 0."""
    if mask is None:
        return features
    return torch.where(mask[:, None] > 0, features, absent.to(features.dtype))


class Heads(nn.Module):
    """Features `[B, F]` → `{head: [B, k]}`."""

    def __init__(
        self, features: int, heads: dict[str, int], *, hidden: int, dropout: float
    ) -> None:
        super().__init__()
        self.heads = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.Linear(features, hidden),
                    nn.ReLU(),
                    nn.Dropout(dropout),
                    nn.Linear(hidden, outputs),
                )
                for name, outputs in heads.items()
            }
        )

    def start(self, name: str, logits: Tensor) -> None:
        """Let a head begin at `logits` `[k]` for everyone.

        Args:
            name: of the head.
            logits: what it says of nobody in particular.
        """
        with torch.no_grad():
            last = cast(nn.Sequential, self.heads[name])[-1]
            cast(nn.Linear, last).bias.copy_(logits)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Return the logits of every head."""
        return {name: head(features) for name, head in self.heads.items()}
