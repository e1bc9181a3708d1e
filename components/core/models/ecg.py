"""`ecg`: the residual 1-D CNN on the ECG alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from components.core.config.base import Frozen
from components.core.models.spec import DataSpec

if TYPE_CHECKING:
    import optuna
    from torch import nn

NAME = "ecg"
INPUTS = ("ecg",)


class Config(Frozen):
    """Settings of the CNN.

    Attributes:
        width: channels after the stem; each of the `depth` blocks adds as many.
        depth: residual blocks; each halves the time axis.
        kernel: odd kernel length.
        dropout: inside blocks and head.
        head_hidden: width of the head's hidden layer.
    """

    width: int = Field(default=32, ge=4)
    depth: int = Field(default=4, ge=1, le=8)
    kernel: int = Field(default=7, ge=3)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    head_hidden: int = Field(default=64, ge=2)

    @field_validator("kernel")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("must be odd, so that an output step is centred on its input")
        return value


def build(config: Config, spec: DataSpec) -> nn.Module:
    """Return a freshly initialised model."""
    from components.core.models.blocks.networks import EcgModel  # imports torch

    return EcgModel(config, spec)


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """Return settings drawn by an Optuna trial."""
    return {
        "width": trial.suggest_categorical("model.width", [16, 24, 32, 48, 64]),
        "depth": trial.suggest_int("model.depth", 3, 6),
        "kernel": trial.suggest_categorical("model.kernel", [5, 7, 9, 15]),
        "dropout": trial.suggest_float("model.dropout", 0.0, 0.5),
    }
