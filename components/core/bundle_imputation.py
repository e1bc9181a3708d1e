"""What a bundle's networks take absent embeddings to be, on their native scale.

Several networks are one mixture: its mean is the mean of theirs, its variance the mean of theirs
and the variance of their means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from components.core.bundle_prediction import Imputed
from components.core.data.arrays import ArrayStats
from components.core.data.batches import Batch
from components.core.data.foldstats import FoldStats
from components.core.imputation.calibrate import Calibration
from components.core.modalities import EmbeddingModality
from components.core.models.imputing import Imputation, Imputing

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Asked:
    """One network and a record as it takes it in.

    Attributes:
        model: in evaluation mode.
        stats: by which it was fed.
        batch: finished, of one record.
        mending: of what it imputes, learned on validation; None where there is none.
    """

    model: nn.Module
    stats: FoldStats
    batch: Batch
    mending: Calibration | None = None


def imputed(
    asked: Sequence[Asked], modalities: Sequence[EmbeddingModality]
) -> dict[EmbeddingModality, Imputed]:
    """Return modality → what the networks take it to be, of those that the record lacks.

    Args:
        asked: the networks and the record; empty is the answer where they do not impute.
        modalities: that the networks take.
    """
    absent: list[EmbeddingModality] = [
        name for name in modalities if not float(asked[0].batch[f"{name}_mask"])
    ]
    if not absent or not all(isinstance(each.model, Imputing) for each in asked):
        return {}
    with torch.no_grad():
        found = [each.model.impute(each.batch) for each in asked]  # pyright: ignore[reportCallIssue]
    made: dict[EmbeddingModality, Imputed] = {}
    for name in absent:
        made[name] = _mixture(name, found, asked)
    return made


def _mixture(
    name: EmbeddingModality, found: Sequence[Imputation], asked: Sequence[Asked]
) -> Imputed:
    means, sds, sure = [], [], []
    for each, own in zip(found, asked, strict=True):
        said = (_plain(each.mean[name][0]), _plain(each.sd[name][0]))
        if own.mending is not None:
            mended = own.mending.modalities[name]
            said = (mended.mean(said[0]), mended.sd(said[1]))
        mean, sd = native(*said, own.stats.arrays[name])
        means.append(mean)
        sds.append(sd)
        sure.append(float(each.confidence[0, each.modalities.index(name)]))
    spread = np.mean(np.square(sds), axis=0) + np.var(means, axis=0)
    return Imputed(
        confidence=float(np.mean(sure)),
        mean=tuple(np.mean(means, axis=0).tolist()),
        sd=tuple(np.sqrt(spread).tolist()),
        calibrated=all(each.mending is not None for each in asked),
    )


def _plain(own: torch.Tensor) -> Floats:
    return own.double().cpu().numpy()


def native(mean: Floats, sd: Floats, stats: ArrayStats) -> tuple[Floats, Floats]:
    """Return mean and SD `[…, W]` on the native scale.

    Args:
        mean: `[…, W]` z-scores.
        sd: `[…, W]` of them.
        stats: by which z-scores were made.
    """
    scale = np.asarray(stats.sd)
    return mean * scale + np.asarray(stats.mean), sd * scale
