"""A network made ready for gradients with respect to its inputs alone.

Shapes: B batch, K leads, L samples, T steps of the encoder's stem, C channels.

The ECG encoder begins with an affine map, the stem up to its ReLU. A straight path between two
ECGs is a straight path between their stem outputs, and the gradient at the ECG is the transposed
map of the gradient there. So the map is taken once per record instead of once per step of a path,
and the full-rate signal is never repeated.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from components.core.attribution.fast.fold import folded
from components.core.data.batches import Batch
from components.core.models.blocks.resnet1d import ResNet1d

ECG = "ecg"


class FromStem(nn.Module):
    """Stem outputs before their ReLU `[B, T, C]` → the encoder's features, in float32.

    Args:
        encoder: folded; its convolutions may have another precision than the rest.
        dtype: of those convolutions.
    """

    def __init__(self, encoder: ResNet1d, dtype: torch.dtype) -> None:
        super().__init__()
        self.encoder = encoder
        self.dtype = dtype
        encoder.blocks.to(dtype, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        encoder.lead_bias.to(dtype)

    def enter(self, ecg: Tensor) -> Tensor:
        """Return `[B, T, C]` of `ecg` `[B, K, L]`: an affine map, in float32."""
        return self.encoder.affine(ecg)[:, :, 0].transpose(1, 2).contiguous()

    def forward(self, entered: Tensor, lead_mask: Tensor, valid: Tensor | None = None) -> Tensor:
        """Return `[B, features]` of `entered` in `dtype`."""
        x = functional.relu(entered[:, None].permute(0, 3, 1, 2))  # channels-last, uncopied
        return self.encoder.onward(x, lead_mask, valid).float()


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """A network that takes stem outputs in place of ECGs.

    Attributes:
        network: finished batch, with `ecg` as `enter` returns it → head → `[B, k]` logits.
        stem: of its encoder; None where it has none, and the batch stays as it is.
    """

    network: nn.Module
    stem: FromStem | None

    def enter(self, key: str, value: Tensor) -> Tensor:
        """Return a batch's tensor as the network takes it: an affine map."""
        return self.stem.enter(value) if key == ECG and self.stem is not None else value

    def on_path(self, key: str, value: Tensor) -> Tensor:
        """Return an entered tensor in the precision of what comes next."""
        return value.to(self.stem.dtype) if key == ECG and self.stem is not None else value

    def leave(self, key: str, inputs: Tensor, gradient: Tensor) -> Tensor:
        """Return the gradient at `inputs`, given the one at what `enter` makes of them."""
        if key != ECG or self.stem is None:
            return gradient
        with torch.enable_grad():
            leaf = inputs.detach().requires_grad_()
            (found,) = torch.autograd.grad(self.stem.enter(leaf), leaf, gradient)
        return found


def prepared(network: nn.Module, *, dtype: torch.dtype = torch.float32) -> Prepared:
    """Return a copy made ready, on the same device; the network itself is left untouched.

    Args:
        network: finished batch → head → logits.
        dtype: of the encoder's convolutions. All else, the heads among it, stays in float32, and
            so does a network without exactly one such encoder.
    """
    made = folded(network)
    encoders = [(name, m) for name, m in made.named_modules() if isinstance(m, ResNet1d)]
    if len(encoders) != 1:
        return Prepared(network=made, stem=None)
    (name, encoder) = encoders[0]
    stem = FromStem(encoder, dtype)
    made.set_submodule(name, stem)
    return Prepared(network=made, stem=stem)


def entered(network: Prepared, batch: Batch) -> Batch:
    """Return a batch as the network takes it, without a gradient."""
    with torch.no_grad():
        return {key: network.enter(key, value) for key, value in batch.items()}
