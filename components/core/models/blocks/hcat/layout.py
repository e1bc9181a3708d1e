"""All modalities side by side in one tensor, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from components.core.modalities import EmbeddingModality

Values = dict[EmbeddingModality, Tensor]


@dataclass(frozen=True)
class Layout:
    """Which entries of `[B, V]`, V the sum of all W, belong to which modality.

    Attributes:
        widths: modality → W, in the order of the entries.
    """

    widths: Mapping[EmbeddingModality, int]

    @cached_property
    def names(self) -> tuple[EmbeddingModality, ...]:
        """The modalities in order."""
        return tuple(self.widths)

    @cached_property
    def total(self) -> int:
        """V."""
        return sum(self.widths.values())

    def parts(self, flat: Tensor) -> tuple[Tensor, ...]:
        """Return `[B, W]` of every modality in order."""
        return flat.split(list(self.widths.values()), dim=1)

    def values(self, flat: Tensor) -> Values:
        """Return modality → `[B, W]`."""
        return dict(zip(self.names, self.parts(flat), strict=True))

    def mean(self, flat: Tensor, known: Tensor | None = None) -> Tensor:
        """Return `[B, M]` the mean over the entries of each modality.

        Args:
            flat: `[B, V]`.
            known: `[B, V]` bool, entries that count; None for all. Where none does the mean is 0.
        """
        if known is None:
            return torch.stack([part.mean(1) for part in self.parts(flat)], dim=1)
        own = self.parts(torch.where(known, flat, 0.0))
        count = [part.sum(1).clamp(min=1) for part in self.parts(known)]
        return torch.stack([p.sum(1) / n for p, n in zip(own, count, strict=True)], dim=1)

    def spread(self, each: Tensor) -> Tensor:
        """Return `[B, V]` with what each modality has in `[B, M]` at all its entries."""
        own = [each[:, place, None].expand(-1, w) for place, w in enumerate(self.widths.values())]
        return torch.cat(own, dim=1)
