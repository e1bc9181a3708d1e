"""`multimodal`: ECG image, heart sound and clinical fields, each with a branch and own heads.

What the data lack has no branch; what one record lacks has a learned token in its place. While it
trains, every branch answers by itself, too, so that none can be ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from components.core.config.base import Frozen
from components.core.models.spec import DataSpec

if TYPE_CHECKING:
    import optuna
    from torch import nn

NAME = "multimodal"
INPUTS = ("ecg_image", "pcg", "tabular")


class Config(Frozen):
    """Settings of the branches and of their fusion.

    Attributes:
        image_width: channels of the image's CNN after its stem; each block adds as many.
        image_depth: its blocks; each halves both sides.
        sound_width: the same of the heart sound's CNN.
        sound_depth: likewise.
        hidden: width of every branch's representation.
        head_hidden: width of the heads' hidden layer.
        dropout: inside blocks, branches and heads.
        image_weights: what the image's CNN starts from: a safetensors file of one, of a network
            with an image branch of the same width and depth, or that network's folder; empty for
            a fresh one. Always from this machine, nothing is downloaded.
    """

    image_width: int = Field(default=12, ge=4)
    image_depth: int = Field(default=4, ge=1, le=7)
    sound_width: int = Field(default=12, ge=4)
    sound_depth: int = Field(default=3, ge=1, le=7)
    hidden: int = Field(default=32, ge=2)
    head_hidden: int = Field(default=32, ge=2)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    image_weights: str = ""


def build(config: Config, spec: DataSpec) -> nn.Module:
    """Return a freshly initialised model."""
    from components.core.models.blocks.multimodal import MultimodalModel  # imports torch

    return MultimodalModel(config, spec)


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """Return settings drawn by an Optuna trial."""
    return {
        "image_width": trial.suggest_categorical("model.image_width", [8, 12, 16, 24]),
        "sound_width": trial.suggest_categorical("model.sound_width", [8, 12, 16, 24]),
        "hidden": trial.suggest_categorical("model.hidden", [16, 32, 64]),
        "dropout": trial.suggest_float("model.dropout", 0.0, 0.5),
    }
