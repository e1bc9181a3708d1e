"""A small network of embeddings that imputes, whose answers are plain sums; for tests alone."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from components.core.config.base import Frozen
from components.core.modalities import EMBEDDED, EmbeddingModality
from components.core.models.imputing import Imputation
from components.core.models.spec import DataSpec

NAME = "embedding-standin"
INPUTS = EMBEDDED
STATED_SD = 0.5


class Config(Frozen):
    """Width of the tokens, and whether the network imputes."""

    hidden: int = 6
    imputes: bool = True


class Standin(nn.Module):
    """Tokens of what is there, summed; an absent one is imagined from the sum of the others."""

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.names: tuple[EmbeddingModality, ...] = tuple(n for n in EMBEDDED if n in spec.arrays)
        widths = {name: spec.arrays[name][-1] for name in self.names}
        self.into = nn.ModuleDict({n: nn.Linear(w, config.hidden) for n, w in widths.items()})
        self.out = nn.ModuleDict({n: nn.Linear(config.hidden, w) for n, w in widths.items()})
        self.absent = nn.ParameterDict(
            {name: nn.Parameter(torch.randn(config.hidden)) for name in self.names}
        )
        self.loss_weights = {"impute": 0.1}
        self.heads = nn.ModuleDict({n: nn.Linear(config.hidden, k) for n, k in spec.heads.items()})

    def tokens(self, batch: dict[str, Tensor], *, learned: bool = True) -> Tensor:
        """Return `[B, M, H]`; what is absent is its learned token, or 0."""
        found = []
        for name, own in self.targets(batch).items():
            there = batch[f"{name}_mask"][:, None] > 0
            weight = batch.get(f"{name}_quality", torch.ones(len(own)))[:, None]
            token = torch.tanh(self.into[name](own)) * weight
            other = self.absent[name] if learned else torch.zeros_like(token)
            found.append(torch.where(there, token, other))
        return torch.stack(found, dim=1)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        hidden = self.embed(batch)
        said = {name: head(hidden) for name, head in self.heads.items()}
        return said | ({"loss:impute": self._error(batch)} if self.training else {})

    def _error(self, batch: dict[str, Tensor]) -> Tensor:
        """Return the mean squared error of what is there, told from itself and the others."""
        found = self.impute(batch).mean
        each = [(found[name] - own).square() * batch[f"{name}_mask"][:, None]
                for name, own in self.targets(batch).items()]  # fmt: skip
        return torch.stack([own.mean() for own in each]).mean()

    def embed(self, batch: dict[str, Tensor]) -> Tensor:
        return self.tokens(batch).sum(1)

    def targets(self, batch: dict[str, Tensor]) -> dict[EmbeddingModality, Tensor]:
        found: dict[EmbeddingModality, Tensor] = {}
        for name in self.names:
            own = batch[name]
            if f"{name}_valid" in batch:
                valid = batch[f"{name}_valid"][:, :, None]
                own = (own * valid).sum(1) / valid.sum(1).clamp(min=1)
            found[name] = own * batch[f"{name}_mask"][:, None]
        return found

    def impute(self, batch: dict[str, Tensor]) -> Imputation:
        hidden = self.tokens(batch, learned=False).sum(1)
        mean = {name: cast(Tensor, self.out[name](hidden)) for name in self.names}
        there = torch.stack([batch[f"{name}_mask"] for name in self.names], dim=1)
        sure = there.mean(1, keepdim=True).clamp(0.05, 0.95).expand_as(there)
        return Imputation(
            modalities=self.names,
            mean=mean,
            sd={name: torch.full_like(own, STATED_SD) for name, own in mean.items()},
            confidence=torch.where(there > 0, 1.0, sure),
            rounds=torch.full((1, *there.shape), STATED_SD),
        )

    def active_units(self, batch: dict[str, Tensor]) -> Tensor:
        return self.embed(batch).var(0)


class Plain(nn.Module):
    """The same network without anything but its answers."""

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.whole = Standin(config, spec)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return self.whole(batch)


def build(config: Config, spec: DataSpec) -> nn.Module:
    """Return a freshly drawn network."""
    return Standin(config, spec) if config.imputes else Plain(config, spec)


def suggest(trial: Any) -> dict[str, Any]:
    """Return nothing: there is nothing to search."""
    del trial
    return {}
