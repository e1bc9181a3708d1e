"""How far each modality of one patient moves the answer, against having only tokens of absence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import factorial
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from components.core.data.batches import Batch
from components.core.heads.registry import View

Subset = frozenset[str]


@runtime_checkable
class Fusing(Protocol):
    """A network of branches that fuses what they say (`models.blocks.multimodal`)."""

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """Return modality → `[B, H]`, the token where a record lacks it."""
        ...

    def absent(self, name: str) -> Tensor:
        """Return `[H]` the token of a modality."""
        ...

    def fused(self, parts: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of every head."""
        ...


def contributions(
    model: nn.Module, batch: Batch, given: Sequence[str], head: View
) -> dict[str, float]:
    """Return modality → its Shapley value in this record's log-odds; nothing without branches.

    The values of the given modalities sum to the record's log-odds less those of a record without
    any. Above 0 speaks for the positive class.

    Args:
        model: in evaluation mode.
        batch: finished, of one record.
        given: modalities that the record has; the others keep their token throughout.
        head: whose log-odds, before calibration.
    """
    if not isinstance(model, Fusing):
        return {}
    with torch.no_grad():
        parts = model.encode(batch)
        players = [name for name in given if name in parts]
        subsets = _subsets(players)
        worth = head.log_odds(model.fused(_stacked(model, parts, players, subsets)))
    found = exact_shapley(players, dict(zip(subsets, worth.tolist(), strict=True)))
    return dict.fromkeys(given, 0.0) | found


def _stacked(
    model: Fusing, parts: dict[str, Tensor], players: Sequence[str], subsets: Sequence[Subset]
) -> dict[str, Tensor]:
    """Return modality → `[subsets, H]`, a player's token in the subsets that lack it."""
    return {
        name: torch.cat(
            [
                own if name in subset or name not in players else model.absent(name)[None]
                for subset in subsets
            ]
        )
        for name, own in parts.items()
    }


def _subsets(players: Sequence[str]) -> list[Subset]:
    return [
        frozenset(chosen)
        for size in range(len(players) + 1)
        for chosen in combinations(players, size)
    ]


def exact_shapley(players: Sequence[str], worth: Mapping[Subset, float]) -> dict[str, float]:
    """Return player → Shapley value (Shapley 1953, "A value for n-person games").

    Args:
        players: all of them.
        worth: of every subset, the empty one and the whole included.
    """
    return {name: _value(name, players, worth) for name in players}


def _value(name: str, players: Sequence[str], worth: Mapping[Subset, float]) -> float:
    others = [each for each in players if each != name]
    count = len(players)
    return sum(
        factorial(len(without)) * factorial(count - len(without) - 1) / factorial(count)
        * (worth[without | {name}] - worth[without])
        for without in _subsets(others)
    )  # fmt: skip
