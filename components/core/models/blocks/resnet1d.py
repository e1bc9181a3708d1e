"""A mask-aware residual 1-D CNN, computed as 1×k convolutions in channels-last memory.

Shapes: B batch, C channels, T time steps, L samples, K leads.

Convolution is two thirds of a training step on a CPU. `Conv2d` with 1×k kernels in channels-last
memory reaches the vendor's bf16 kernels, `Conv1d` does not; and the stem reads `STEM_STRIDE`
consecutive samples of all leads as channels of one step, which is the same linear map as a strided
convolution, but with a channel count those kernels are made for.

ReLU and the sum with the shortcut work in place: batch normalisation does not need its own output
for the gradient, and each fresh tensor costs a pass over memory.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from components.core.models.blocks.dropout import Dropout

STEM_STRIDE = 4


def time_mask(valid: Tensor, stride: int, steps: int) -> Tensor:
    """Return `[B, 1, 1, steps]`, 1 where a step of `stride` samples holds a real sample.

    Args:
        valid: `[B, 2]` first real sample and the one after the last.
        stride: samples per step.
        steps: number of steps.
    """
    first = torch.arange(steps, device=valid.device) * stride
    inside = (first[None] + stride > valid[:, :1]) & (first[None] < valid[:, 1:])
    return inside[:, None, None, :].float()


class Block(nn.Module):
    """Two convolutions and a shortcut: `[B, C_in, 1, T]` → `[B, C_out, 1, T / stride]`.

    `NORMED`: each convolution whose output goes to a normalisation and nowhere else, with that.
    """

    NORMED = (("conv1", "norm1"), ("conv2", "norm2"))

    def __init__(self, c_in: int, c_out: int, *, kernel: int, stride: int, dropout: float) -> None:
        super().__init__()
        pad = (0, kernel // 2)
        self.conv1 = nn.Conv2d(c_in, c_out, (1, kernel), (1, stride), pad, bias=False)
        self.norm1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, (1, kernel), 1, pad, bias=False)
        self.norm2 = nn.BatchNorm2d(c_out)
        self.pool = nn.AvgPool2d((1, stride), ceil_mode=True) if stride > 1 else nn.Identity()
        self.match = nn.Conv2d(c_in, c_out, 1, bias=False) if c_in != c_out else nn.Identity()
        self.drop = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Return the block's output; steps where `mask` is 0 stay exactly 0."""
        y = masked(functional.relu_(self.norm1(self.conv1(x))), mask)
        y = self.norm2(self.conv2(self.drop(y)))
        return masked(functional.relu_(y.add_(self.match(self.pool(x)))), mask)


def masked(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return `x` with padded steps set to 0."""
    return x if mask is None else x * mask.to(x.dtype)


class ResNet1d(nn.Module):
    """ECG `[B, K, L]` with lead mask and valid interval → features `[B, width]`.

    Args:
        leads: K.
        width: channels after the stem.
        depth: number of blocks; each halves time, and channels grow by `width` each.
        kernel: odd kernel length of the blocks in steps.
        dropout: inside the blocks.

    `NORMED` as in `Block`.
    """

    NORMED = (("stem", "norm"),)

    def __init__(self, leads: int, *, width: int, depth: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.stem = nn.Conv2d(leads * STEM_STRIDE, width, (1, 5), 1, (0, 2), bias=False)
        self.norm = nn.BatchNorm2d(width)
        channels = [width * (i + 1) for i in range(depth)]
        sizes = zip([width, *channels[:-1]], channels, strict=True)
        self.blocks = nn.ModuleList(
            Block(a, b, kernel=kernel, stride=2, dropout=dropout) for a, b in sizes
        )
        self.last_channels = channels[-1] if channels else width
        # Which leads are there is told to the head, beside their being zero in the signal.
        self.lead_bias = nn.Linear(leads, self.last_channels)
        self.features = 2 * self.last_channels

    def forward(self, ecg: Tensor, lead_mask: Tensor, valid: Tensor | None = None) -> Tensor:
        """Return `[B, features]`.

        Args:
            ecg: `[B, K, L]` normalised, exactly 0 in padding and in missing leads.
            lead_mask: `[B, K]`.
            valid: `[B, 2]`; None means that every sample of every record is real.
        """
        return self.onward(functional.relu_(self.affine(ecg)), lead_mask, valid)

    def affine(self, ecg: Tensor) -> Tensor:
        """Return `[B, width, 1, T]`, the stem before its ReLU: affine in `ecg` in evaluation."""
        batch, leads, length = ecg.shape
        spare = -length % STEM_STRIDE
        x = functional.pad(ecg, (0, spare)) if spare else ecg
        steps = x.shape[-1] // STEM_STRIDE
        # [B, K, T, s] → [B, T, K·s] is channels-last already: the view below costs nothing.
        folded = x.reshape(batch, leads, steps, STEM_STRIDE).permute(0, 2, 1, 3)
        flat = folded.reshape(batch, 1, steps, leads * STEM_STRIDE).permute(0, 3, 1, 2)
        return self.norm(self.stem(flat))

    def onward(self, x: Tensor, lead_mask: Tensor, valid: Tensor | None = None) -> Tensor:
        """Return `[B, features]` of `x` `[B, width, 1, T]`, the stem's output after its ReLU."""
        stride = STEM_STRIDE
        mask = None if valid is None else time_mask(valid, stride, x.shape[-1])
        x = masked(x, mask)
        for block in self.blocks:
            stride *= 2
            steps = (x.shape[-1] + 1) // 2
            mask = None if valid is None else time_mask(valid, stride, steps)
            x = block(x, mask)
        return torch.cat([*pool(x, mask, self.lead_bias(lead_mask.to(x.dtype)))], dim=1)


def pool(x: Tensor, mask: Tensor | None, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and maximum over real steps, `[B, C]` each, the mean shifted by `bias`."""
    if mask is None:
        return x.mean((2, 3)) + bias, x.amax((2, 3))
    count = mask.sum((2, 3)).clamp(min=1).to(x.dtype)
    return x.sum((2, 3)) / count + bias, x.amax((2, 3))  # after ReLU padding (0) is never above
