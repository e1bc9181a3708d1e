"""Kinds of heads by discovery, and what a set of heads needs."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import TypeAdapter

from components.core import heads as package
from components.core.config.fit import FitConfig
from components.core.config.heads import HeadConfig, HeadMap
from components.core.errors import ConfigError, nearest

if TYPE_CHECKING:
    from torch import Tensor

# loss(logits [B, k], batch) -> mean over the records whose truth is known, 0 where none is.
Loss = Callable[["Tensor", dict[str, "Tensor"]], "Tensor"]
Floats = npt.NDArray[np.float64]
_ADAPTER: TypeAdapter[HeadConfig] = TypeAdapter(HeadConfig)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a head's calibration may learn from; never from the test part.

    Attributes:
        log_odds: `[n]` of the binary view, of validation records whose truth is known.
        truth: `[n]` 0 or 1.
        patient_id: `[n]`.
        weight: `[n]` by inverse probability of censoring.
        method: name of the recalibration.
        shares: of each class in the training part where the loss was weighted by them; else None.
    """

    log_odds: Floats
    truth: Floats
    patient_id: npt.NDArray[np.str_]
    weight: Floats
    method: str
    shares: tuple[float, ...] | None = None


class HeadFile(Protocol):
    """What a kind's module must hold; `head` is its own class of settings."""

    KIND: str

    def outputs(self, head: Any) -> int:  # noqa: ANN401 - each kind has its own settings
        """Return the number of logits."""
        ...

    def make_loss(
        self,
        name: str,
        head: Any,  # noqa: ANN401
        frame: pd.DataFrame,
        fit: FitConfig,
    ) -> Loss:
        """Return the loss; `frame` are the training records."""
        ...

    def log_odds(self, head: Any, logits: Tensor) -> Tensor:  # noqa: ANN401
        """Return `[B]` log-odds of the binary view."""
        ...

    def meaning(self, head: Any) -> str:  # noqa: ANN401
        """Return what the log-odds are of, as part of a sentence."""
        ...

    def calibrate(self, head: Any, case: Case) -> dict[str, Any]:  # noqa: ANN401
        """Return the calibration as plain JSON values."""
        ...

    def answers(
        self,
        head: Any,  # noqa: ANN401
        logits: Tensor,
        calibration: dict[str, Any],
    ) -> dict[str, Floats]:
        """Return name → `[B]` from the members' logits `[M, B, k]`."""
        ...


@cache
def kinds() -> MappingProxyType[str, HeadFile]:
    """Return every kind's file by its `KIND`; imports torch."""
    found: dict[str, HeadFile] = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        if hasattr(module, "KIND"):
            file = cast(HeadFile, module)
            found[file.KIND] = file
    return MappingProxyType(found)


def head_file(head: HeadConfig) -> HeadFile:
    """Return the file of a head's kind."""
    return kinds()[head.kind]


def outputs_of(heads: HeadMap) -> dict[str, int]:
    """Return head → number of logits."""
    return {name: head_file(head).outputs(head) for name, head in heads.items()}


@dataclass(frozen=True, kw_only=True)
class View:
    """One head of a network, as a log-odds.

    Attributes:
        name: of the head.
        head: its settings.
    """

    name: str
    head: HeadConfig

    def log_odds(self, logits: dict[str, Tensor]) -> Tensor:
        """Return `[B]` of the head's binary view."""
        return head_file(self.head).log_odds(self.head, logits[self.name].float())

    def meaning(self) -> str:
        """Return what these log-odds are of, as part of a sentence."""
        return head_file(self.head).meaning(self.head)


def to_json(heads: HeadMap) -> dict[str, Any]:
    """Return the settings of heads as plain values."""
    return {name: head.model_dump(mode="json") for name, head in heads.items()}


def from_json(plain: dict[str, Any]) -> HeadMap:
    """Return heads from their plain values."""
    return {name: _ADAPTER.validate_python(value) for name, value in plain.items()}


def view(plain: dict[str, Any], name: str) -> View:
    """Return one of the heads that a training or a bundle names.

    Raises:
        ConfigError: the network has no such head: it was not trained.
    """
    if name not in plain:
        raise ConfigError(
            f"the head '{name}' was not trained here; {nearest(name, list(plain))}. Train it with "
            f"`mlflow run . -e train_{name}`"
        )
    return View(name=name, head=from_json({name: plain[name]})[name])
