"""Batch → the embeddings of its records, which of them are there, and of what quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from components.core.modalities import EmbeddingModality
from components.core.models.blocks.hcat.attention import AttentionPool

Values = dict[EmbeddingModality, Tensor]
PATCHED = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Records:
    """Embeddings of B records.

    Attributes:
        values: modality → `[B, W]`, exactly 0 where absent.
        present: `[B, M]` bool, in the order of `values`.
        quality: `[B, M]` in [0, 1].
    """

    values: Values
    present: Tensor
    quality: Tensor

    def seen(self, kept: Tensor, *, noise: float = 0.0) -> Records:
        """Return what is left where only `kept` `[B, M]` is to be seen.

        Args:
            kept: bool, a part of `present`.
            noise: SD of what is added to every entry that is left, from torch's generator.
        """
        values: Values = {}
        for place, (name, own) in enumerate(self.values.items()):
            noisy = own + noise * torch.randn_like(own) if noise else own
            values[name] = torch.where(kept[:, place, None], noisy, 0.0)
        return Records(values=values, present=kept, quality=self.quality)


def together(first: Records, second: Records) -> Records:
    """Return the records of both, `[2B, …]`."""
    values = {name: torch.cat([own, second.values[name]]) for name, own in first.values.items()}
    return Records(
        values=values,
        present=torch.cat([first.present, second.present]),
        quality=torch.cat([first.quality, second.quality]),
    )


class Reader(nn.Module):
    """Batch → `Records`; a modality of patches is pooled by learned weights.

    Args:
        shapes: modality → `(W,)`, or `(P, W)` for patches.
    """

    def __init__(self, shapes: Mapping[EmbeddingModality, tuple[int, ...]]) -> None:
        super().__init__()
        self.widths = {name: shape[-1] for name, shape in shapes.items()}
        self.pools = nn.ModuleDict(
            {
                name: AttentionPool(shape[-1])
                for name, shape in shapes.items()
                if len(shape) == PATCHED
            }
        )

    def forward(self, batch: dict[str, Tensor]) -> Records:
        """Return the records; a modality that the batch lacks is absent from all of them."""
        some = next(iter(batch.values()))
        ones = torch.ones(len(some), device=some.device)
        there, quality, values = [], [], {}
        for name, width in self.widths.items():
            mask = batch.get(f"{name}_mask", ones) if name in batch else torch.zeros_like(ones)
            there.append(mask > 0)
            quality.append(batch.get(f"{name}_quality", ones).float())
            values[name] = self._pooled(batch, name, mask > 0, width=width)
        return Records(
            values=values,
            present=torch.stack(there, dim=1),
            quality=torch.stack(quality, dim=1),
        )

    def _pooled(self, batch: dict[str, Tensor], name: str, there: Tensor, *, width: int) -> Tensor:
        if name not in batch:
            return torch.zeros(len(there), width, device=there.device)
        own = batch[name].float()
        kept = torch.where(there.reshape(-1, *[1] * (own.dim() - 1)), own, 0.0)
        if name not in self.pools:
            return kept
        valid = batch.get(f"{name}_valid")
        pooled = self.pools[name](kept, None if valid is None else valid > 0).float()
        return torch.where(there[:, None], pooled, 0.0)
