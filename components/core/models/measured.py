"""`measured`: a small dense network on fixed measurements of the ECG, for cohorts of some hundred.

For questions about the recording itself (can it be read?) rather than the heart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from components.core.config.base import Frozen
from components.core.models.spec import DataSpec

if TYPE_CHECKING:
    import optuna
    from torch import nn

NAME = "measured"
INPUTS = ("ecg",)


class Config(Frozen):
    """Settings of the dense network.

    Attributes:
        head_hidden: width of its hidden layer.
        dropout: inside it.
    """

    head_hidden: int = Field(default=64, ge=2)
    dropout: float = Field(default=0.1, ge=0, lt=1)


def build(config: Config, spec: DataSpec) -> nn.Module:
    """Return a freshly initialised model."""
    from components.core.models.blocks.measured import MeasuredModel  # imports torch

    return MeasuredModel(config, spec)


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """Return settings drawn by an Optuna trial."""
    return {
        "head_hidden": trial.suggest_categorical("model.head_hidden", [16, 32, 64]),
        "dropout": trial.suggest_float("model.dropout", 0.0, 0.5),
    }
