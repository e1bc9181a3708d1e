"""Batch → the embeddings of its records, which of them are there, and of what quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

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
        known: `[B, V]` bool, False at entries that a present embedding lacks, which are 0 in
            `values`; None where none lacks any.
    """

    values: Tensor
    present: Tensor
    quality: Tensor
    layout: Layout
    known: Tensor | None = None

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
        return replace(self, values=values, present=kept)


def together(first: Records, second: Records) -> Records:
    """Return the records of both, `[2B, …]`."""
    return Records(
        values=torch.cat([first.values, second.values]),
        present=torch.cat([first.present, second.present]),
        quality=torch.cat([first.quality, second.quality]),
        layout=first.layout,
        known=_both(first, second),
    )


def _both(first: Records, second: Records) -> Tensor | None:
    if first.known is None or second.known is None:
        return None
    return torch.cat([first.known, second.known])


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
            known=self._known(batch, len(ones)),
        )

    def _known(self, batch: dict[str, Tensor], rows: int) -> Tensor | None:
        """Return `[B, V]` bool; None where nothing says that an entry is lacking."""
        given = [batch.get(f"{name}_known") for name in self.layout.names]
        some = next((each for each in given if each is not None), None)
        if some is None:
            return None
        parts = [
            some.new_ones(rows, width) if each is None else each
            for each, width in zip(given, self.layout.widths.values(), strict=True)
        ]
        return torch.cat(parts, dim=1) > 0

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
