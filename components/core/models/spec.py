"""What a model must know of the data it will be given."""

from __future__ import annotations

from pydantic import Field

from components.core.config.base import Frozen
from components.core.modalities import ArrayModality


class DataSpec(Frozen):
    """Shapes of a batch.

    Attributes:
        leads: rows of `ecg` `[B, leads, length]`; 0 = no ECG in this task.
        length: samples per lead.
        tabular: width of `tabular` `[B, tabular]` after encoding; 0 = none.
        text: width of `text` `[B, text]`, the embedding of the notes; 0 = none.
        arrays: array modality → shape of a record's array in the batch; one that is not named is
            not in this task.
        events: width of a step of `events` `[B, S, events]`; 0 = none.
        heads: head name → number of logits.
    """

    leads: int = Field(default=0, ge=0)
    length: int = Field(default=0, ge=0)
    tabular: int = Field(default=0, ge=0)
    text: int = Field(default=0, ge=0)
    arrays: dict[ArrayModality, tuple[int, ...]] = Field(default_factory=dict)
    events: int = Field(default=0, ge=0)
    heads: dict[str, int]
