"""`tabular`: a small dense network on the tabular features alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field
from torch import Tensor, nn

from components.core.config.base import Frozen
from components.core.errors import ConfigError
from components.core.models.blocks.mlp import Heads, TabularBranch
from components.core.models.spec import DataSpec

if TYPE_CHECKING:
    import optuna

NAME = "tabular"


class Config(Frozen):
    """Settings of the dense network.

    Attributes:
        hidden: width of the hidden layers.
        dropout: inside branch and head.
    """

    hidden: int = Field(default=32, ge=2)
    dropout: float = Field(default=0.3, ge=0, lt=1)


class TabularModel(nn.Module):
    """Batch with `tabular` `[B, F]` and, where a row may be absent, `tabular_mask` `[B]`."""

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        if spec.tabular == 0:
            raise ConfigError(
                "the model needs tabular columns, but the data hold none; declare them under "
                "ingest.options or use model.name=ecg"
            )
        self.tabular = TabularBranch(spec.tabular, hidden=config.hidden, dropout=config.dropout)
        self.heads = Heads(config.hidden, spec.heads, hidden=config.hidden, dropout=config.dropout)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of every head."""
        return self.heads(self.tabular(batch["tabular"], batch.get("tabular_mask")))


def build(config: Config, spec: DataSpec) -> nn.Module:
    """Return a freshly initialised model."""
    return TabularModel(config, spec)


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """Return settings drawn by an Optuna trial."""
    return {
        "hidden": trial.suggest_categorical("model.hidden", [8, 16, 32, 64]),
        "dropout": trial.suggest_float("model.dropout", 0.0, 0.6),
    }
