"""`tabular`: a small dense network on the tabular features alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from components.core.config.base import Frozen
from components.core.models.spec import DataSpec

if TYPE_CHECKING:
    import optuna
    from torch import nn

NAME = "tabular"
INPUTS = ("tabular",)


class Config(Frozen):
    """Settings of the dense network.

    Attributes:
        hidden: width of the hidden layers.
        dropout: inside branch and head.
    """

    hidden: int = Field(default=32, ge=2)
    dropout: float = Field(default=0.3, ge=0, lt=1)


def build(config: Config, spec: DataSpec) -> nn.Module:
    """Return a freshly initialised model."""
    from components.core.models.blocks.networks import TabularModel  # imports torch

    return TabularModel(config, spec)


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """Return settings drawn by an Optuna trial."""
    return {
        "hidden": trial.suggest_categorical("model.hidden", [8, 16, 32, 64]),
        "dropout": trial.suggest_float("model.dropout", 0.0, 0.6),
    }
