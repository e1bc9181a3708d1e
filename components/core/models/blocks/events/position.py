"""Where in its sequence a step stands."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Vaswani et al., NeurIPS 2017, section 3.5.
_BASE = 10_000.0


class Positions(nn.Module):
    """Adds sines and cosines of a step's place, of wavelengths from 2π to 10,000 · 2π.

    PE(p, 2i) = sin(p / 10000^(2i/D)) and PE(p, 2i + 1) = cos of the same (Vaswani et al.,
    NeurIPS 2017). The table grows with the longest sequence seen and is no part of the weights.

    Args:
        width: D, even.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.table: Tensor
        self.register_buffer("table", _table(0, width), persistent=False)

    def forward(self, steps: Tensor) -> Tensor:
        """Return steps `[B, S, D]` with their places, counted from the first, added."""
        length = steps.shape[1]
        if length > len(self.table):
            self._grow(length)
        return steps + self.table[:length].to(steps.dtype)

    def _grow(self, length: int) -> None:
        # At least twice as long, so that ever longer sequences are not ever new tables. A table
        # made while validating must serve training, too.
        with torch.inference_mode(mode=False):
            grown = _table(max(length, 2 * len(self.table)), self.width)
            self.table = grown.to(self.table.device)


def _table(length: int, width: int) -> Tensor:
    """Return `[length, width]`; in double precision, since late places are large angles."""
    place = torch.arange(length, dtype=torch.float64)[:, None]
    angle = place * _BASE ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1).float()
