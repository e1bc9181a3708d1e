"""The attributed quantity: the log-odds of a head's binary view, mean over a fold's networks.

Logit₁ − logit₀ where a head has two (one alone is arbitrary up to a shift), the logit where it has
one; every kind of head says so itself (`core.heads`). The mean over networks is what evaluate
reports; attributions that are linear in the network average likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from components.core.data.batches import Batch
from components.core.errors import CardioError
from components.core.heads.registry import View
from components.core.modalities import modality_of


class Target(nn.Module):
    """Finished batch (`ecg` as z-scores) → `[B]` log-odds.

    Args:
        models: a fold's networks; they are put into evaluation mode.
        view: the head.
    """

    def __init__(self, models: Sequence[nn.Module], view: View) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)
        self.view = view
        self.eval()

    def each(self) -> list[Target]:
        """Return the target of every network by itself; their mean is this one."""
        return [Target([model], self.view) for model in self.models]

    def forward(self, batch: Batch) -> Tensor:
        """Return `[B]` log-odds, with a gradient where an input has one."""
        said = [self.view.log_odds(cast(dict[str, Tensor], model(batch))) for model in self.models]
        return torch.stack(said).mean(0)


def of_tensors(target: nn.Module, batch: Batch, keys: Sequence[str]) -> Callable[..., Tensor]:
    """Return `f(*tensors, record) -> [P]`, the target as a function of some tensors alone.

    What is not attributed is taken from the batch by `record` `[P]`, the number of the record that
    each row is of. Handed to Captum as `additional_forward_args` (`record_numbers`), it is
    expanded and cut just as the attributed tensors are, whatever the order.

    Args:
        target: batch → `[B]`.
        batch: `B` finished records.
        keys: of the tensors that `f` takes, in its order.
    """
    rest = {key: value for key, value in batch.items() if key not in keys and is_input(key)}

    def f(*tensors: Tensor) -> Tensor:
        if len(tensors) != len(keys) + 1:
            raise CardioError(
                f"{len(tensors)} tensors came for {', '.join(keys)} and the record numbers; hand "
                "on `record_numbers(batch)` as Captum's additional_forward_args"
            )
        record = tensors[-1]
        own = {key: value[record] for key, value in rest.items()}
        return target({**own, **dict(zip(keys, tensors[:-1], strict=True))})

    return f


def record_numbers(batch: Batch) -> Tensor:
    """Return `[B]` 0, 1, …, the last argument of what `of_tensors` returns."""
    first = next(iter(batch.values()))
    return torch.arange(len(first), device=first.device)


def is_input(key: str) -> bool:
    """Return whether a batch's tensor is a modality or a mask of one: what a network looks at."""
    return modality_of(key) is not None
