"""A copy of a network whose normalisations are part of the convolutions before them.

In evaluation mode a batch normalisation is affine, and so is a convolution: one convolution does
both (Jacob et al., CVPR 2018, section 3.2). That saves a pass over memory each way.
"""

from __future__ import annotations

import copy
from typing import cast

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage]
from torch.nn.modules.conv import _ConvNd  # pyright: ignore[reportPrivateUsage]
from torch.nn.utils.fusion import fuse_conv_bn_eval


def folded(network: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode, folded, whose parameters want no gradient.

    A block names its pairs in `NORMED`; one that names none stays as it is. The network itself is
    left untouched.
    """
    made = copy.deepcopy(network).eval().requires_grad_(False)
    for block in list(made.modules()):
        for convolution, norm in cast(tuple[tuple[str, str], ...], getattr(block, "NORMED", ())):
            _fold(block, convolution, norm)
    return made.requires_grad_(False)  # what fusing made are new parameters


def _fold(block: nn.Module, convolution: str, norm: str) -> None:
    first, second = block.get_submodule(convolution), block.get_submodule(norm)
    if isinstance(first, _ConvNd) and isinstance(second, _BatchNorm):
        setattr(block, convolution, fuse_conv_bn_eval(first, second))
        setattr(block, norm, nn.Identity())
