"""How far each modality of one patient moves the answer, against having none of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from components.core.contributions import Branched, fusing
from components.core.data.batches import Batch
from components.core.heads.registry import View
from components.core.metrics.contribution import Subset, shapley, subsets
from components.core.modalities import EMBEDDED


def contributions(
    model: nn.Module, batch: Batch, given: Sequence[str], head: View
) -> dict[str, float]:
    """Return modality → its Shapley value in this record's log-odds.

    Nothing for networks that have neither branches nor embeddings alone for inputs that may be
    absent.

    The values of the given modalities sum to the record's log-odds less those of a record without
    any. Above 0 speaks for the positive class.

    Args:
        model: in evaluation mode.
        batch: finished, of one record.
        given: modalities that the record has; the others keep their token throughout.
        head: whose log-odds, before calibration.
    """
    network = fusing(model)
    if network is None:
        return _of_masks(model, batch, given, head) if set(given) <= set(EMBEDDED) else {}
    with torch.no_grad():
        parts = network.encode(batch)
        players = [name for name in given if name in parts]
        every = subsets(players)
        worth = head.log_odds(network.fused(_stacked(network, parts, every)))
    found = shapley(dict(zip(every, worth.tolist(), strict=True)))
    return dict.fromkeys(given, 0.0) | found


def _of_masks(model: nn.Module, batch: Batch, given: Sequence[str], head: View) -> dict[str, float]:
    """Return the same of a network that is told by masks what is there."""
    every = subsets(given)
    asked = {
        key: value.repeat(len(every), *[1] * (value.dim() - 1)) for key, value in batch.items()
    }
    for name in given:
        there = [float(name in subset) for subset in every]
        asked[f"{name}_mask"] = batch[f"{name}_mask"].new_tensor(there)
    with torch.no_grad():
        worth = head.log_odds(model(asked))
    return shapley(dict(zip(every, worth.tolist(), strict=True)))


def _stacked(
    model: Branched, parts: dict[str, Tensor], every: Sequence[Subset]
) -> dict[str, Tensor]:
    """Return modality → `[subsets, H]`, the token in the subsets that lack it."""
    return {
        name: torch.cat([own if name in subset else model.absent(name)[None] for subset in every])
        for name, own in parts.items()
    }
