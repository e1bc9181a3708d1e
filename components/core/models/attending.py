"""What a model that reads sequences by attention can show of it, beside its answers.

Shapes: B records, S steps of the longest sequence, L layers, H heads of a layer, P heads of the
pooling, D width of a step. Attention says what was mixed with what, not what an answer rests on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class AttentionRecord:
    """What attention did in one forward pass, nothing dropped.

    Attributes:
        layers: `[L, B, H, S, S]` how much a step (fourth axis) took from each step (last axis):
            each real step's sum to 1; 0 from and to padding.
        pooling: `[B, P, 1, S]` how much each step counts in the vector of the record, as above; all
            0 for a record without any event.
        encoded: `[B, S, D]` the encoder's output, 0 in padding.
        query: `[D]` the learned query of the pooling.
        valid: `[B, S]` 1 for a real event of a record that is read, else 0.
    """

    layers: Tensor
    pooling: Tensor
    encoded: Tensor
    query: Tensor
    valid: Tensor


@runtime_checkable
class Attending(Protocol):
    """A model whose attention can be recorded."""

    def recorded(self, batch: dict[str, Tensor]) -> tuple[dict[str, Tensor], AttentionRecord]:
        """Return the logits of every head and the attention of the same pass.

        Nothing is dropped, whatever mode the model is in, and its mode stays as it was.
        """
        ...

    def record_bytes(self, records: int, steps: int) -> int:
        """Return how many bytes a record of that B and S holds."""
        ...
