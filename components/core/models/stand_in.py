"""What stands in place of a modality that a record lacks, where a network learns it.

A learned vector takes the place of what is not there. It begins at zeros, and a training in which
no record lacked the modality leaves it there: one step with such a record moves it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from torch import Tensor, nn


@runtime_checkable
class StandingIn(Protocol):
    """A model without branches that has such vectors.

    Attributes:
        droppable: the modalities that have one, which training may hide from a record.
    """

    droppable: tuple[str, ...]

    def absent(self, name: str) -> Tensor:
        """Return the vector in place of a modality."""
        ...


def droppable(model: nn.Module) -> tuple[str, ...]:
    """Return the modalities that a model without branches has such vectors of."""
    return model.droppable if isinstance(model, StandingIn) else ()


def unlearned(models: Iterable[nn.Module]) -> tuple[str, ...]:
    """Return the modalities whose vector one of the models has not learned, each once."""
    own = [model for model in models if isinstance(model, StandingIn)]
    names = [name for model in own for name in model.droppable if not model.absent(name).any()]
    return tuple(dict.fromkeys(names))
