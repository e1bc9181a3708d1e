"""The convolutional branches of pictures and heart sounds, and their maps brought onto it."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional

from components.core.attribution.target import Target
from components.core.errors import CardioError
from components.core.models.blocks.multimodal import Branch
from components.core.models.blocks.resnet2d import ResNet2d
from components.explain.subject import Subject


def last_convolution(network: nn.Module, modality: str) -> nn.Module | None:
    """Return what ends with the last convolution of a modality's branch; None where none does."""
    branch = next(
        (each for each in network.modules() if isinstance(each, Branch) and each.name == modality),
        None,
    )
    if branch is None:
        return None
    own = [each for each in branch.modules() if isinstance(each, ResNet2d)]
    if len(own) == 1:
        return own[0].blocks[-1]
    return next((m for m in reversed(list(branch.modules())) if isinstance(m, nn.Conv2d)), None)


def mapped(subject: Subject) -> tuple[str, ...]:
    """Return the pictures and sounds among the inputs that every network reads by convolutions."""
    return tuple(
        name
        for name in subject.arrays
        if all(last_convolution(each, name) is not None for each in subject.target.models)
    )


def only(target: Target, modality: str) -> nn.Module:
    """Return the last convolution of a target of one network.

    Raises:
        CardioError: it has none.
    """
    found = last_convolution(target.models[0], modality)
    if found is None:
        raise CardioError(f"the network reads no '{modality}' by convolutions; ask `mapped` first")
    return found


def stride(steps: int, size: int) -> int:
    """Return elements per step of a map: the least power of two by which it covers the input.

    >>> stride(6, 192), stride(2, 36)
    (32, 32)
    """
    return 2 ** math.ceil(math.log2(size / steps))


def spread(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Return `[m, H, W]` of maps `[m, h, w]`, each step's amount shared by its elements.

    Straight lines between the middles of steps; what reaches beyond the input is cut off.
    """
    high, wide = (stride(*pair) for pair in zip(maps.shape[1:], size, strict=True))
    whole = (maps.shape[1] * high, maps.shape[2] * wide)
    fine = functional.interpolate(maps[:, None], whole, mode="bilinear", align_corners=False)
    return fine[:, 0, : size[0], : size[1]] / (high * wide)
