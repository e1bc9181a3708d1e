"""Branches of several modalities, each with heads of its own, and their fusion.

Shapes: B batch, H hidden width, W windows of a record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from components.core.errors import ConfigError
from components.core.models.blocks.mlp import Heads
from components.core.models.blocks.resnet2d import ResNet2d
from components.core.models.spec import DataSpec

if TYPE_CHECKING:
    from components.core.models import multimodal

# A branch's own answer to a head, beside the fused one: `<head>@<modality>`.
OWN = "@"


class Branch(nn.Module):
    """One modality `name` of a batch → `[B, H]`; a record without it gets a learned token.

    Records without it do not pass through the encoder, so that its normalisations never see the
    zeros that stand for them.

    Args:
        name: key of the batch; `<name>_mask` `[B]` is 0 where a record lacks it.
        encoder: tensor of `n` records, and which windows are there or None → `[n, features]`.
        features: that it makes.
        hidden: H.
        dropout: after the projection.
    """

    def __init__(
        self, name: str, encoder: nn.Module, *, features: int, hidden: int, dropout: float
    ) -> None:
        super().__init__()
        self.name, self.encoder = name, encoder
        self.project = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(dropout))
        self.absent = nn.Parameter(torch.zeros(hidden))

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Return `[B, H]`; the token for all where the batch has no such key."""
        size = len(next(iter(batch.values())))
        out = self.absent.expand(size, -1)
        if self.name not in batch:
            return out
        values, valid = batch[self.name], batch.get(f"{self.name}_valid")
        mask = batch.get(f"{self.name}_mask")
        if mask is None:
            return self._projected(values, valid)
        there = (mask > 0).nonzero()[:, 0]
        if not len(there):
            return out
        own = self._projected(values[there], None if valid is None else valid[there])
        return out.to(own.dtype).index_copy(0, there, own)

    def _projected(self, values: Tensor, valid: Tensor | None) -> Tensor:
        return self.project(self.encoder(values, valid))


class ImageEncoder(nn.Module):
    """`[n, C, height, width]` → `[n, features]`."""

    def __init__(self, channels: int, *, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.body = ResNet2d(channels, width=width, depth=depth, dropout=dropout)
        self.features = self.body.features

    def forward(self, values: Tensor, valid: Tensor | None) -> Tensor:
        """Return `[n, features]`."""
        del valid
        return self.body(values)


class SoundEncoder(nn.Module):
    """`[n, W, mels, frames]` → `[n, features]`, the mean over the windows that are there."""

    def __init__(self, *, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.body = ResNet2d(1, width=width, depth=depth, dropout=dropout)
        self.features = self.body.features

    def forward(self, values: Tensor, valid: Tensor | None) -> Tensor:
        """Return `[n, features]`; `valid` `[n, W]` is 0 where there is no window."""
        there = valid if valid is not None else values.new_ones(values.shape[:2])
        record, window = (there > 0).nonzero(as_tuple=True)
        own = self.body(values[record, window][:, None])
        total = own.new_zeros(len(values), self.features).index_add(0, record, own)
        return total / there.sum(1, keepdim=True).clamp(min=1).to(own.dtype)


class TabularEncoder(nn.Module):
    """Encoded clinical fields `[n, F]` → `[n, hidden]`."""

    def __init__(self, width: int, *, hidden: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(width, hidden), nn.ReLU())
        self.features = hidden

    def forward(self, values: Tensor, valid: Tensor | None) -> Tensor:
        """Return `[n, hidden]`."""
        del valid
        return self.body(values)


class MultimodalModel(nn.Module):
    """Branches, their own heads and the heads on all of them together."""

    def __init__(self, config: multimodal.Config, spec: DataSpec) -> None:
        super().__init__()
        encoders = _encoders(config, spec)
        if not encoders:
            raise ConfigError(
                "the model needs an ECG image, a heart sound or tabular columns, but the data hold "
                "none; use model.name=ecg"
            )
        self.branches = nn.ModuleDict(
            {
                name: Branch(
                    name,
                    encoder,
                    features=encoder.features,
                    hidden=config.hidden,
                    dropout=config.dropout,
                )
                for name, encoder in encoders.items()
            }
        )
        self.own_heads = nn.ModuleDict({name: _heads(config.hidden, config, spec)
                                        for name in encoders})  # fmt: skip
        self.heads = _heads(config.hidden * len(encoders), config, spec)

    def encode(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return modality → `[B, H]`, the token where a record lacks it."""
        return {name: branch(batch) for name, branch in self.branches.items()}

    def absent(self, name: str) -> Tensor:
        """Return `[H]` the token of a modality."""
        return cast(Branch, self.branches[name]).absent

    def fused(self, parts: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of every head from all modalities' representations."""
        return self.heads(torch.cat([parts[name] for name in self.branches], dim=1))

    def own(self, parts: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return `<head>@<modality>` → logits, what every branch answers by itself."""
        return {
            f"{head}{OWN}{name}": logits
            for name, heads in self.own_heads.items()
            for head, logits in heads(parts[name]).items()
        }

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of every head; while training those of every branch, too."""
        parts = self.encode(batch)
        return self.fused(parts) | (self.own(parts) if self.training else {})


def _heads(features: int, config: multimodal.Config, spec: DataSpec) -> Heads:
    return Heads(features, spec.heads, hidden=config.head_hidden, dropout=config.dropout)


def _encoders(
    config: multimodal.Config, spec: DataSpec
) -> dict[str, ImageEncoder | SoundEncoder | TabularEncoder]:
    """Return the encoder of every modality that the data hold."""
    found: dict[str, ImageEncoder | SoundEncoder | TabularEncoder] = {}
    if "ecg_image" in spec.arrays:
        found["ecg_image"] = ImageEncoder(
            spec.arrays["ecg_image"][0],
            width=config.image_width,
            depth=config.image_depth,
            dropout=config.dropout,
        )
    if "pcg" in spec.arrays:
        found["pcg"] = SoundEncoder(
            width=config.sound_width, depth=config.sound_depth, dropout=config.dropout
        )
    if spec.tabular:
        found["tabular"] = TabularEncoder(spec.tabular, hidden=config.hidden)
    return found
