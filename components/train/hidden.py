"""How well a model imputes validation records: the cheap figure that training goes by.

Every embedding that a record has beside another is hidden once, by itself, and compared with the
truth. The evaluation judges imputation in full, with intervals and against other methods.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from components.core.data.batches import Batch
from components.core.imputation.answers import concealed
from components.core.modalities import EMBEDDED, EmbeddingModality
from components.core.models.imputing import Imputing


class HiddenError:
    """Squared errors of imputing, collected batch by batch."""

    def __init__(self) -> None:
        self._error: dict[str, float] = {}
        self._power: dict[str, float] = {}

    @torch.no_grad()
    def add(self, model: Imputing, batch: Batch) -> None:
        """Take in a finished batch; the model is in evaluation mode."""
        truth = model.targets(batch)
        for name, rows, seen in _hidden(batch, tuple(truth)):
            own = truth[name][rows].double()
            said = model.impute(seen).mean[name].double()
            known = batch.get(f"{name}_known")
            if known is not None:  # an entry that is lacking has no error
                said = torch.where(known[rows] > 0, said, own)
            self._error[name] = self._error.get(name, 0.0) + float((said - own).square().sum())
            self._power[name] = self._power.get(name, 0.0) + float(own.square().sum())

    def take(self) -> float | None:
        """Return the mean over modalities of the squared error relative to the mean's, and forget.

        1 is no better than the mean of the training part, 0 is perfect; None where no record has
        two embeddings. The mean is 0, since batches are z-scores.
        """
        found = [self._error[name] / power for name, power in self._power.items() if power > 0]
        self._error.clear()
        self._power.clear()
        return sum(found) / len(found) if found else None


def _hidden(
    batch: Batch, names: tuple[EmbeddingModality, ...]
) -> Iterator[tuple[EmbeddingModality, Tensor, Batch]]:
    """Yield each modality, `[B]` who has it beside another, and their batch without it."""
    own: list[EmbeddingModality] = [name for name in EMBEDDED if name in names]
    there = torch.stack([batch[f"{name}_mask"] > 0 for name in own], dim=1)
    several = there.sum(1) > 1
    for place, name in enumerate(own):
        rows = there[:, place] & several
        if not bool(rows.any()):
            continue
        own_rows = {key: value[rows] for key, value in batch.items()}
        yield name, rows, concealed(own_rows, {name: rows[rows]})
