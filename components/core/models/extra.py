"""Losses that a model has of its own, beside those of its heads.

While it trains (`model.train()`), `forward` may return, beside the logits of every head, scalars
under `loss:<name>`: imputation of hidden modalities, the divergence of a latent from its prior, two
views of a patient told from others. The model's attribute `loss_weights` says how much each counts.
In evaluation mode there are none, and the answers do not depend on chance.

A model may be told how far training is: `advance(epoch)` is called before every epoch's first step,
from 0, for weights that warm up. It may be told by what the heads' losses weigh the two classes:
`weigh_classes(weights)` is called once before training, for own losses against the same labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from components.core.errors import ConfigError

OWN_LOSS = "loss:"


class Advancing(Protocol):
    """A model whose own losses change with the epochs."""

    def advance(self, epoch: int) -> None:
        """Take in which epoch begins, from 0."""
        ...


class ClassWeighted(Protocol):
    """A model some of whose own losses are against the labels of two-class heads."""

    def weigh_classes(self, weights: Mapping[str, tuple[float, float]]) -> None:
        """Take in head → weights of negative and positive records."""
        ...


def loss_weights(model: nn.Module) -> dict[str, float]:
    """Return name → weight of the model's own losses; nothing for a model without any."""
    found = getattr(model, "loss_weights", None)
    return dict(found) if isinstance(found, Mapping) else {}


def advance(model: nn.Module, epoch: int) -> None:
    """Tell a model that listens which epoch begins."""
    if hasattr(model, "advance"):
        cast(Advancing, model).advance(epoch)


def weigh_classes(model: nn.Module, weights: Mapping[str, tuple[float, float]]) -> None:
    """Tell a model that listens head → weights of negative and positive records."""
    if hasattr(model, "weigh_classes"):
        cast(ClassWeighted, model).weigh_classes(weights)


def own_losses(answers: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return name → unweighted loss of what a training step's `forward` returned."""
    return {
        name.removeprefix(OWN_LOSS): value
        for name, value in answers.items()
        if name.startswith(OWN_LOSS)
    }


def weighted_sum(losses: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Return the losses' sum by their weights, a scalar.

    Raises:
        ConfigError: the model names no weight for a loss.
    """
    for name in losses:
        if name not in weights:
            raise ConfigError(
                f"the model returns a loss '{name}' and gives it no weight in loss_weights, which "
                f"has {', '.join(weights) or 'none'}"
            )
    return torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
