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
from components.core.heads.registry import View

# Key of a batch → what says, per record, whether that modality is there.
MODALITIES = ("ecg", "tabular", "text")


class Target(nn.Module):
    """Finished batch (`ecg` as z-scores) → `[B]` log-odds.

    Args:
        models: a fold's networks, in evaluation mode.
        view: the head.
    """

    def __init__(self, models: Sequence[nn.Module], view: View) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)
        self.view = view

    def forward(self, batch: Batch) -> Tensor:
        """Return `[B]` log-odds, with a gradient where an input has one."""
        said = [self.view.log_odds(cast(dict[str, Tensor], model(batch))) for model in self.models]
        return torch.stack(said).mean(0)


def of_tensors(target: nn.Module, batch: Batch, keys: Sequence[str]) -> Callable[..., Tensor]:
    """Return `f(*tensors) -> [n]`, the target as a function of some of a batch's tensors alone.

    Captum expands its inputs along the first axis (steps × records, in that order of nesting:
    all records of the first step, then of the second); what is not attributed is expanded with
    them.

    Args:
        target: batch → `[B]`.
        batch: `B` finished records.
        keys: of the tensors that `f` takes, in its order.
    """
    rest = {key: value for key, value in batch.items() if key not in keys}

    def f(*tensors: Tensor) -> Tensor:
        times = len(tensors[0]) // len(batch[keys[0]])
        own = {k: v.repeat(times, *[1] * (v.dim() - 1)) for k, v in rest.items()}
        return target({**own, **dict(zip(keys, tensors, strict=True))})

    return f
