"""`trunk`: notes, ECG and clinical fields on one hidden representation, with any heads on it.

What the data lack has no branch. What one record lacks has a learned vector in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from components.core.models import ecg
from components.core.models.spec import DataSpec

if TYPE_CHECKING:
    import optuna
    from torch import nn

NAME = "trunk"
INPUTS = ("ecg", "tabular", "text")


class Config(ecg.Config):
    """Settings of the branches, of the hidden representation and of the heads.

    Attributes:
        hidden_size: width of the hidden representation.
        ecg_hidden: the CNN's features are projected to this width before they are fused.
        text_hidden: so are the notes' embeddings.
        tabular_hidden: width of the tabular branch.
        head_dropout: inside the heads.
        head_hidden: width of each head's hidden layer.
        init_from: model whose trunk (all but its heads) is taken over: `models:/name@alias`,
            `models:/name/version`, an evaluation's run id, or a bundle's folder; resolved to
            `trunk:<hash of its content>` before anything is computed (`core.pretrained`).
        freeze: leave that trunk as it is and train the heads alone; False trains on from it.
    """

    hidden_size: int = Field(default=1024, ge=2)
    ecg_hidden: int = Field(default=64, ge=2)
    text_hidden: int = Field(default=64, ge=2)
    tabular_hidden: int = Field(default=32, ge=2)
    # The heads of the older scripts: hidden -> 256 -> ReLU -> dropout 0.1 -> k.
    head_hidden: int = Field(default=256, ge=2)
    head_dropout: float = Field(default=0.1, ge=0, lt=1)
    init_from: str = ""
    freeze: bool = True


def build(config: Config, spec: DataSpec) -> nn.Module:
    """Return a freshly initialised model."""
    from components.core.models.blocks.trunk import TrunkModel  # imports torch

    return TrunkModel(config, spec)


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """Return settings drawn by an Optuna trial."""
    return {
        **ecg.suggest(trial),
        "hidden_size": trial.suggest_categorical("model.hidden_size", [64, 256, 1024]),
        "text_hidden": trial.suggest_categorical("model.text_hidden", [16, 32, 64, 128]),
    }
