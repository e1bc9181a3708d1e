"""Observed modalities hidden at random, so that imputing them can be learned.

Modality dropout after Neverova et al. (ModDrop, IEEE TPAMI 2016;38:1692).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from components.core.models.hcat import HidingMode


def hide(present: Tensor, *, mode: HidingMode, chance: float) -> Tensor:
    """Return `[B, M]` bool, which of `present` `[B, M]` are still seen; a record keeps one.

    Args:
        present: bool; a record without any stays without.
        mode: `independent`: each is hidden with `chance`; one that would lose all keeps one at
            random. `one_out`: with `chance` a record loses one at random. `keep_one`: with `chance`
            it keeps only one, at random.
        chance: in [0, 1). Draws come from torch's generator.
    """
    drawn = torch.rand(present.shape, device=present.device)
    row = torch.rand(len(present), 1, device=present.device) < chance
    # Of those that are there each is the greatest with the same probability.
    last = torch.where(present, drawn, -1.0).argmax(1)
    one = functional.one_hot(last, present.shape[1]).bool() & present
    if mode == "keep_one":
        return torch.where(row, one, present)
    kept = present & (drawn >= chance) if mode == "independent" else present & ~(one & row)
    return torch.where(kept.any(1, keepdim=True), kept, one)
