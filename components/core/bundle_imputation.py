"""What a bundle's networks take absent embeddings to be, on their native scale.

Several networks are one mixture: its mean is the mean of theirs, its variance the mean of theirs
and the variance of their means. Networks of one fold are mixed before their mending, which was
learned on their mixture; folds after it.
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
    folds: dict[str, list[tuple[Floats, Floats]]] = {}
    first: dict[str, Asked] = {}
    for each, own in zip(found, asked, strict=True):
        said = (_plain(each.mean[name][0]), _plain(each.sd[name][0]))
        folds.setdefault(own.stats.fold, []).append(said)
        first.setdefault(own.stats.fold, own)
    given = [_given(_mixed(said), name, first[fold]) for fold, said in folds.items()]
    counts = [len(said) for said in folds.values()]
    mean, sd = _mixed([one for one, count in zip(given, counts, strict=True) for _ in range(count)])
    sure = [float(each.confidence[0, each.modalities.index(name)]) for each in found]
    return Imputed(
        confidence=float(np.mean(sure)),
        mean=tuple(mean.tolist()),
        sd=tuple(sd.tolist()),
        calibrated=all(
            each.mending is not None and each.mending.modalities[name].learned for each in asked
        ),
    )


def _mixed(said: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """Return mean and SD of a mixture of networks that all count alike."""
    means, sds = (np.stack(own) for own in zip(*said, strict=True))
    return means.mean(axis=0), np.sqrt(np.square(sds).mean(axis=0) + means.var(axis=0))


def _given(
    said: tuple[Floats, Floats], name: EmbeddingModality, own: Asked
) -> tuple[Floats, Floats]:
    """Return a fold's mean and SD, mended and on the native scale."""
    if own.mending is not None:
        mended = own.mending.modalities[name]
        said = (mended.mean(said[0]), mended.sd(said[1]))
    return native(*said, own.stats.arrays[name])


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
