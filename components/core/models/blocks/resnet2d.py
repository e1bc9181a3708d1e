"""A small residual 2-D CNN for pictures and spectrograms.

Shapes: B pictures, C channels, H height, W width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from components.core.models.blocks.dropout import Dropout


class Block2d(nn.Module):
    """Two convolutions and a shortcut: `[B, C_in, H, W]` → `[B, C_out, H / 2, W / 2]`."""

    def __init__(self, c_in: int, c_out: int, *, dropout: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, 2, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(c_out)
        self.pool = nn.AvgPool2d(2, ceil_mode=True)
        self.match = nn.Conv2d(c_in, c_out, 1, bias=False) if c_in != c_out else nn.Identity()
        self.drop = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y = functional.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(self.drop(y)))
        return functional.relu(y + self.match(self.pool(x)))


class ResNet2d(nn.Module):
    """Picture `[B, C, H, W]` → features `[B, features]`.

    Args:
        channels: C.
        width: channels after the stem; each block adds as many.
        depth: number of blocks; each halves both sides.
        dropout: inside the blocks.
    """

    def __init__(self, channels: int, *, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, width, 5, 2, 2, bias=False)
        self.norm = nn.BatchNorm2d(width)
        sizes = [width * (number + 1) for number in range(depth)]
        pairs = zip([width, *sizes[:-1]], sizes, strict=True)
        self.blocks = nn.ModuleList(Block2d(a, b, dropout=dropout) for a, b in pairs)
        self.last_channels = sizes[-1] if sizes else width
        self.features = 2 * self.last_channels
        self.halvings = 1 + depth  # the stem's, rounded up as every block's

    def forward(self, x: Tensor) -> Tensor:
        """Return mean and maximum over the picture of the last block's channels."""
        y = functional.relu(self.norm(self.stem(x)))
        for block in self.blocks:
            y = block(y)
        return torch.cat([y.mean((2, 3)), y.amax((2, 3))], dim=1)
