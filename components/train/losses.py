"""Losses over two logits, weighted by class and by inverse probability of censoring."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from components.core.config.sections import FitConfig
from components.core.data.cohort import Rows

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def class_weights(rows: Rows, config: FitConfig) -> tuple[float, float]:
    """Return (negative, positive) weights from the train part, unless given."""
    if config.class_weights == "none":
        return (1.0, 1.0)
    if isinstance(config.class_weights, tuple):
        return config.class_weights
    total = rows.weight.sum()
    positive = rows.weight[rows.label == 1].sum()
    return (float(total / (2 * (total - positive))), float(total / (2 * positive)))


def make_loss(rows: Rows, config: FitConfig) -> Loss:
    """Return `loss(logits [B, 2], label [B], weight [B]) -> scalar`.

    `ce` is the cross-entropy over both logits, `bce` the binary one over logit₁ − logit₀ (the
    same function of the data, with other gradients on the two outputs).
    """
    pair = torch.tensor(class_weights(rows, config), dtype=torch.float32)
    # Weights of mean 1 over the train part keep the learning rate's meaning whatever the weights.
    mean = float(np.mean(rows.weight * pair.numpy()[rows.label]))

    def loss(logits: Tensor, label: Tensor, weight: Tensor) -> Tensor:
        share = weight * pair.to(weight.device)[label] / mean
        if config.loss == "ce":
            each = functional.cross_entropy(logits.float(), label, reduction="none")
        else:
            score = (logits[:, 1] - logits[:, 0]).float()
            each = functional.binary_cross_entropy_with_logits(
                score, label.float(), reduction="none"
            )
        return (share * each).mean()

    return loss


def score(logits: Tensor) -> Tensor:
    """Return logit₁ − logit₀ `[B]`, the log-odds of the positive class."""
    return (logits[:, 1] - logits[:, 0]).float()
