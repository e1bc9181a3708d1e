"""`event_transformer`: a patient's events in order of time, read by a Transformer, and the table.

A step is an event; attention joins the steps to one vector, which the heads answer from together
with the static features (`docs/mortality_model.md`). What the data lack has no part; a record
without any event has a learned vector in place of its sequence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from components.core.config.base import Frozen
from components.core.models.spec import DataSpec

if TYPE_CHECKING:
    import optuna
    from torch import nn

NAME = "event_transformer"
INPUTS = ("events", "tabular")


class Config(Frozen):
    """Settings of the encoder, of the pooling and of what answers from them.

    Attributes:
        d_model: width of every step; even, for the positions' sines and cosines.
        layers: of the encoder.
        heads: of every layer's attention; divides `d_model`.
        feedforward: width inside a layer.
        dropout: inside layers, pooling and the dense layers.
        norm_first: normalise before attention and dense part in place of after them.
        pool_heads: of the attention that joins the steps; divides `d_model`.
        hidden: widths of the dense layers; the last is each head's own.
        temporal_weight: of the loss of what every event says of the outcome; 0 leaves it out.
        half_life_hours: an event counts half as much in that loss as one this much later.
    """

    d_model: int = Field(default=256, ge=2)
    layers: int = Field(default=4, ge=1)
    heads: int = Field(default=8, ge=1)
    feedforward: int = Field(default=512, ge=1)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    norm_first: bool = False
    pool_heads: int = Field(default=4, ge=1)
    hidden: tuple[int, int] = (256, 128)
    temporal_weight: float = Field(default=0.0, ge=0)
    half_life_hours: float = Field(default=12.0, gt=0)

    @model_validator(mode="after")
    def _widths(self) -> Config:
        for name, count in (("heads", self.heads), ("pool_heads", self.pool_heads)):
            if self.d_model % count:
                raise ValueError(f"d_model={self.d_model} is not divisible by {name}={count}")
        if self.d_model % 2:
            raise ValueError(f"d_model={self.d_model} is odd; positions need an even width")
        if min(self.hidden) < 1:
            raise ValueError(f"hidden={self.hidden} holds a width below 1")
        return self


def build(config: Config, spec: DataSpec) -> nn.Module:
    """Return a freshly initialised model."""
    from components.core.models.blocks.events.network import EventModel  # imports torch

    return EventModel(config, spec)


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """Return settings drawn by an Optuna trial."""
    return {
        "d_model": trial.suggest_categorical("model.d_model", [64, 128, 256]),
        "layers": trial.suggest_int("model.layers", 1, 4),
        "feedforward": trial.suggest_categorical("model.feedforward", [128, 256, 512]),
        "dropout": trial.suggest_float("model.dropout", 0.0, 0.4),
        "norm_first": trial.suggest_categorical("model.norm_first", [False, True]),
        "temporal_weight": trial.suggest_float("model.temporal_weight", 0.0, 0.5),
    }
