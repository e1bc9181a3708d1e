"""`ecg+tabular`: the CNN and the tabular branch, fused late.

Without tabular columns in the data the tabular branch is empty and the model is the CNN; the
training run says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from components.core.models import ecg
from components.core.models.spec import DataSpec

if TYPE_CHECKING:
    import optuna
    from torch import nn

NAME = "ecg+tabular"
INPUTS = ("ecg", "tabular")


class Config(ecg.Config):
    """Settings of the CNN and of the tabular branch.

    Attributes:
        tabular_hidden: width of the tabular branch.
        ecg_hidden: the CNN's features are projected to this width before they are fused.
    """

    tabular_hidden: int = Field(default=32, ge=2)
    ecg_hidden: int = Field(default=32, ge=2)


def build(config: Config, spec: DataSpec) -> nn.Module:
    """Return a freshly initialised model."""
    from components.core.models.blocks.networks import FusionModel  # imports torch

    return FusionModel(config, spec)


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """Return settings drawn by an Optuna trial."""
    width = trial.suggest_categorical("model.tabular_hidden", [8, 16, 32, 64])
    return {**ecg.suggest(trial), "tabular_hidden": width}
