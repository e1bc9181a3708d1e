"""Modality dropout: records that lack now one modality, now another, so that none is leant on.

Neverova et al. (ModDrop, IEEE TPAMI 2016;38:1692). What is dropped is told by the masks alone, as
an absent modality is, so that the network answers with its learned token.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from components.core.data.batches import Batch


def drop_modalities(
    batch: Batch, names: Sequence[str], *, chance: float, rng: torch.Generator
) -> Batch:
    """Return the batch with modalities masked out record by record; the values stay.

    Args:
        batch: of any modalities; one without a mask is there in every record.
        names: of the modalities that may be dropped; those that the batch lacks are passed over.
        chance: with which each record loses each modality. One that would lose all it has keeps
            one, drawn at random.
        rng: on the CPU, so that the draws do not depend on the device.
    """
    there = [name for name in names if name in batch]
    if not there:
        return batch
    had = torch.stack([_mask(batch, name) for name in there], dim=1) > 0
    drawn = torch.rand(had.shape, generator=rng).to(had.device)
    kept = had & (drawn >= chance)
    # All of them drew below the chance, so that the greatest is each with the same probability.
    last = torch.where(had, drawn, -1.0).argmax(1)
    alone = torch.nn.functional.one_hot(last, len(there)).bool() & had
    kept = torch.where(kept.any(1, keepdim=True), kept, alone)
    masks = {f"{name}_mask": kept[:, place].float() for place, name in enumerate(there)}
    return {**batch, **masks}


def _mask(batch: Batch, name: str) -> Tensor:
    found = batch.get(f"{name}_mask")
    return batch[name].new_ones(len(batch[name]), dtype=torch.float32) if found is None else found
