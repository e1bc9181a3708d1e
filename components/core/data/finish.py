"""Raw batches → what networks take in: z-scores by a fold's training statistics, on the device."""

from __future__ import annotations

import torch
from torch import Tensor

from components.core.data.arrays import ArrayStats
from components.core.data.batches import Batch, Normaliser
from components.core.data.foldstats import FoldStats
from components.core.errors import InputError
from components.core.modalities import EMBEDDED, SPOKEN

_VECTORS = 2


class Finisher:
    """Raw batch → what a network takes in, by the statistics of a fold's training part.

    Args:
        stats: of the fold.
    """

    def __init__(self, stats: FoldStats) -> None:
        norm = stats.norm()
        self._ecg = None if norm is None else Normaliser(norm)
        self._arrays = {name: ArrayNormaliser(name, own) for name, own in stats.arrays.items()}

    def __call__(self, batch: Batch) -> Batch:
        """Return the batch with ECG and arrays as float32 z-scores, exactly 0 where absent.

        Where embeddings lack entries, `<name>_known` `[B, W]` says which are there.

        Raises:
            InputError: a lead is there that the training part never had, or an array has another
                shape than in training.
        """
        ready = self._ecg(batch) if self._ecg is not None and "ecg" in batch else batch
        own = {name: each(ready) for name, each in self._arrays.items() if name in ready}
        return {**ready, **own, **_known(ready)}


def _known(batch: Batch) -> Batch:
    """Return of every embedding that lacks entries which ones are there, 1 or 0.

    Of patches nothing is said: pooled, each entry comes from several of them.
    """
    found: Batch = {}
    for name in EMBEDDED:
        raw = batch.get(name)
        if raw is not None and raw.dim() == _VECTORS and bool((gaps := raw.isnan()).any()):
            found[f"{name}_known"] = (~gaps).float()
    return found


class ArrayNormaliser:
    """Stored values of an array modality → z-scores; absent records and windows exactly 0."""

    def __init__(self, name: str, stats: ArrayStats) -> None:
        shape = [-1 if axis == stats.axis else 1 for axis in range(len(stats.shape))]
        self._name, self._shape = name, stats.shape
        self._mean = torch.tensor(stats.mean, dtype=torch.float32).reshape(shape)
        self._sd = torch.tensor(stats.sd, dtype=torch.float32).reshape(shape)

    def __call__(self, batch: Batch) -> Tensor:
        """Return `[B, *shape]` float32.

        Raises:
            InputError: the batch's arrays have another shape.
        """
        raw = batch[self._name]
        if tuple(raw.shape[1:]) != self._shape:
            raise InputError(
                f"{SPOKEN[self._name]} comes as {tuple(raw.shape[1:])}, the model was trained on "
                f"{self._shape}; prepare the cohort with the settings of its training"
            )
        mean, sd = self._mean.to(raw.device), self._sd.to(raw.device)
        values = raw.to(torch.float32, copy=True).sub_(mean).div_(sd)
        if self._name in EMBEDDED and raw.is_floating_point():
            values.masked_fill_(raw.isnan(), 0.0)  # a missing entry is at the training part's mean
        there = batch.get(f"{self._name}_mask")
        windows = batch.get(f"{self._name}_valid")
        for mask in (there, windows):
            if mask is not None and not bool(mask.all()):
                values.mul_(mask.reshape(*mask.shape, *[1] * (values.dim() - mask.dim())))
        return values
