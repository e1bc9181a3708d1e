"""Losses of a model's own: found, weighed, refused without a weight."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import nn

from components.core.errors import ConfigError
from components.core.models.extra import (
    advance,
    loss_weights,
    own_losses,
    weigh_classes,
    weighted_sum,
)


class Warming(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.loss_weights = {"kl": 0.5, "impute": 2.0}
        self.epochs: list[int] = []
        self.told: dict[str, tuple[float, float]] = {}

    def weigh_classes(self, weights: Mapping[str, tuple[float, float]]) -> None:
        self.told = dict(weights)

    def advance(self, epoch: int) -> None:
        self.epochs.append(epoch)


def test_own_losses_are_summed_by_their_weights() -> None:
    answers = {"head": torch.ones(3, 2), "loss:kl": torch.tensor(4.0),
               "loss:impute": torch.tensor(1.5)}  # fmt: skip
    found = own_losses(answers)
    assert set(found) == {"kl", "impute"}
    assert float(weighted_sum(found, loss_weights(Warming()))) == 5.0


def test_a_loss_without_a_weight_is_refused() -> None:
    with pytest.raises(ConfigError, match="returns a loss 'con' and gives it no weight"):
        weighted_sum({"con": torch.tensor(1.0)}, {"kl": 1.0})


def test_a_model_that_listens_is_told_the_epoch() -> None:
    model = Warming()
    advance(model, 0)
    advance(model, 1)
    advance(nn.Linear(1, 1), 2)
    assert model.epochs == [0, 1]
    assert loss_weights(nn.Linear(1, 1)) == {}


def test_a_model_that_listens_is_told_the_weights_of_the_classes() -> None:
    model = Warming()
    weigh_classes(model, {"toy": (0.5, 4.0)})
    weigh_classes(nn.Linear(1, 1), {"toy": (0.5, 4.0)})
    assert model.told == {"toy": (0.5, 4.0)}
