"""Batch → the embeddings of its records, which of them are there, and of what quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from components.core.modalities import EmbeddingModality
from components.core.models.blocks.hcat.attention import AttentionPool
from components.core.models.blocks.hcat.layout import Layout

_PATCHED = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Records:
    """Embeddings of B records.

    Attributes:
        values: `[B, V]`, exactly 0 where absent.
        present: `[B, M]` bool.
        quality: `[B, M]` in [0, 1].
        layout: of `values`.
    """

    values: Tensor
    present: Tensor
    quality: Tensor
    layout: Layout

    def seen(self, kept: Tensor, *, noise: float = 0.0) -> Records:
        """Return what is left where only `kept` `[B, M]` is to be seen.

        Args:
            kept: bool, a part of `present`.
            noise: SD of what is added to every entry that is left, from torch's generator.
        """
        own = self.values
        if noise:
            own = own + noise * torch.randn_like(own)
        values = own * self.layout.spread(kept.float())
        return Records(values=values, present=kept, quality=self.quality, layout=self.layout)


def together(first: Records, second: Records) -> Records:
    """Return the records of both, `[2B, …]`."""
    return Records(
        values=torch.cat([first.values, second.values]),
        present=torch.cat([first.present, second.present]),
        quality=torch.cat([first.quality, second.quality]),
        layout=first.layout,
    )


class Reader(nn.Module):
    """Batch → `Records`; a modality of patches is pooled by learned weights.

    Args:
        shapes: modality → `(W,)`, or `(P, W)` for patches.
    """

    def __init__(self, shapes: Mapping[EmbeddingModality, tuple[int, ...]]) -> None:
        super().__init__()
        self.layout = Layout({name: shape[-1] for name, shape in shapes.items()})
        patched = {name: shape[-1] for name, shape in shapes.items() if len(shape) == _PATCHED}
        self.pools = nn.ModuleDict({name: AttentionPool(w) for name, w in patched.items()})

    def forward(self, batch: dict[str, Tensor]) -> Records:
        """Return the records; a modality that the batch lacks is absent from all of them."""
        some = next(iter(batch.values()))
        ones = torch.ones(len(some), device=some.device)
        there, quality, values = [], [], []
        for name, width in self.layout.widths.items():
            mask = batch.get(f"{name}_mask", ones) if name in batch else torch.zeros_like(ones)
            there.append(mask > 0)
            quality.append(batch.get(f"{name}_quality", ones).float())
            values.append(
                self._pooled(batch, name, mask > 0)
                if name in batch
                else ones.new_zeros(len(ones), width)
            )
        return Records(
            values=torch.cat(values, dim=1),
            present=torch.stack(there, dim=1),
            quality=torch.stack(quality, dim=1),
            layout=self.layout,
        )

    def _pooled(self, batch: dict[str, Tensor], name: EmbeddingModality, there: Tensor) -> Tensor:
        own = batch[name].float()
        kept = torch.where(there.reshape(-1, *[1] * (own.dim() - 1)), own, 0.0)
        if name not in self.pools:
            return kept
        valid = batch.get(f"{name}_valid")
        weight = torch.ones_like(kept[..., 0]) if valid is None else valid.float()
        # A patch that is not there may hold anything.
        patches = torch.where(weight[..., None] > 0, kept, 0.0)
        return self.pools[name](patches, weight).float()
