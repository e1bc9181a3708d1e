"""Embeddings from a few common factors, and a model that imputes them by their known joint law.

Each modality is loadings · factors + noise, so the best possible imputation is a conditional
expectation in closed form. Without common factors each modality has its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from components.core.data.arrays import (
    ArrayShard,
    array_stats,
    channel_moments,
    open_arrays,
    shard_folder,
    write_array,
)
from components.core.data.cohort import Rows
from components.core.data.foldstats import FoldStats
from components.core.data.tabular import TabularEncoder
from components.core.device import Place
from components.core.modalities import EmbeddingModality
from components.core.models.imputing import Imputation

CPU = Place(device="cpu", precision="fp32", name="CPU")
WIDTHS: dict[EmbeddingModality, int] = {"emb_clinical": 6, "emb_temporal": 5, "emb_spatial": 4}
NAMES = tuple(WIDTHS)
PATCHES, FACTORS = 3, 2
NOISE = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class Law:
    """The joint law of all entries, side by side: they are normal about 0.

    Attributes:
        covariance: `[K, K]`.
        loadings: `[K, F]`.
    """

    covariance: np.ndarray
    loadings: np.ndarray


def law(*, dependent: bool) -> Law:
    """Return loadings on two common factors, or on two of each modality's own."""
    rng = np.random.default_rng(1)
    blocks = [rng.normal(0, 1.0, (width, FACTORS)) for width in WIDTHS.values()]
    if dependent:
        loadings = np.concatenate(blocks)
    else:
        loadings = np.zeros((sum(WIDTHS.values()), FACTORS * len(blocks)))
        start = 0
        for place, block in enumerate(blocks):
            loadings[start : start + len(block), 2 * place : 2 * place + 2] = block
            start += len(block)
    covariance = loadings @ loadings.T + NOISE**2 * np.eye(len(loadings))
    return Law(covariance=covariance, loadings=loadings)


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """A fold: its law and parts, on the scale of its training part."""

    law: Law
    train: Rows
    val: Rows
    test: Rows


def write_parts(
    folder: Path, *, dependent: bool, sizes: tuple[int, int, int] = (300, 120, 240)
) -> Parts:
    """Write one shard a modality (spatial in patches that average to the vector) and open it."""
    own, rng = law(dependent=dependent), np.random.default_rng(2)
    total = sum(sizes)
    factors = rng.normal(size=(total, own.loadings.shape[1]))
    entries = factors @ own.loadings.T + rng.normal(0, NOISE, (total, len(own.loadings)))
    there = rng.random((total, len(NAMES))) < 0.8
    frame = pd.DataFrame(
        {"sample_id": [f"s{i:04d}" for i in range(total)],
         "patient_id": [f"p{i:04d}" for i in range(total)],
         "label": (factors[:, 0] + rng.normal(0, 0.5, total) > 0).astype(int), "weight": 1.0}
    )  # fmt: skip
    start = 0
    for place, (name, width) in enumerate(WIDTHS.items()):
        values, has = entries[:, start : start + width], there[:, place]
        start += width
        _write(folder, name, values[has].astype(np.float32), rng)
        row = np.cumsum(has) - 1
        frame[f"shard.{name}"] = pd.array(np.where(has, 0, None), "Int64")
        frame[f"shard_row.{name}"] = pd.array(np.where(has, row, None), "Int64")
        frame[f"quality.{name}"] = np.where(has, 0.8, np.nan)
    arrays = open_arrays(folder, frame[: sizes[0]])
    stats = FoldStats(
        fold="holdout", records=sizes[0], ids_sha256="", ecg=None,
        tabular=TabularEncoder(numeric=(), categorical=(), fitted_rows=0),
        arrays={name: array_stats(part) for name, part in arrays.items()},
    )  # fmt: skip
    cuts = np.cumsum((0, *sizes))
    parts = [_rows(folder, frame[a:b].reset_index(drop=True), stats)
             for a, b in pairwise(cuts)]  # fmt: skip
    return Parts(law=own, train=parts[0], val=parts[1], test=parts[2])


def _write(
    folder: Path, name: EmbeddingModality, values: np.ndarray, rng: np.random.Generator
) -> None:
    path = shard_folder(folder, name)
    path.mkdir(parents=True)
    valid, axis = None, 0
    if name == "emb_spatial":
        bumps = rng.normal(0, 0.3, (len(values), PATCHES - 1, values.shape[1]))
        bumps = np.concatenate([bumps, -bumps.sum(axis=1, keepdims=True)], axis=1)
        values = (values[:, None] + bumps).astype(np.float32)
        valid, axis = np.ones(values.shape[:2], np.bool_), 1
    moments = np.stack([channel_moments(each, axis) for each in values])
    shard = ArrayShard(values=values, valid=valid, moments=moments, axis=axis, facts={})
    write_array(path / "00000.h5", shard)


def _rows(folder: Path, frame: pd.DataFrame, stats: FoldStats) -> Rows:
    empty = np.zeros((len(frame), 0), np.float32)
    return Rows(
        frame=frame, reader=None, tabular=empty, stats=stats, text=empty,
        text_mask=np.zeros(len(frame), np.bool_), arrays=open_arrays(folder, frame),
    )  # fmt: skip


class Conditional(nn.Module):
    """Imputes by the conditional expectation of the known law, on the scale of z-scores.

    Args:
        law: of the entries as stored.
        stats: of the training part.
        bold: SD of a fixed, senseless map of what is there, added to what is imputed: what an
            overtrained network does.
        stated: factor of the stated SD: 1 is right.
        rounds: factor of the stated SD after each of two rounds.
    """

    def __init__(
        self, law: Law, stats: FoldStats, *, bold: float = 0.0, stated: float = 1.0,
        rounds: tuple[float, float] = (1.5, 1.0),
    ) -> None:  # fmt: skip
        super().__init__()
        scale = np.concatenate([stats.arrays[name].sd for name in NAMES])
        self._covariance = torch.from_numpy(law.covariance / np.outer(scale, scale))
        rng = np.random.default_rng(5)
        self._bold = torch.from_numpy(rng.normal(0, bold, law.covariance.shape))
        self._stated, self._rounds = stated, rounds
        # The first factor's regression on all entries.
        self.head = torch.from_numpy(np.linalg.solve(law.covariance, law.loadings[:, 0]) * scale)

    def targets(self, batch: dict[str, Tensor]) -> dict[EmbeddingModality, Tensor]:
        found: dict[EmbeddingModality, Tensor] = {}
        for name in NAMES:
            own = batch[name]
            if own.dim() > 2:
                valid = batch[f"{name}_valid"][:, :, None]
                own = (own * valid).sum(1) / valid.sum(1).clamp(min=1)
            found[name] = own * batch[f"{name}_mask"][:, None]
        return found

    def _side_by_side(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        vectors = self.targets(batch)
        x = torch.cat([vectors[name].double() for name in NAMES], dim=1)
        there = torch.cat(
            [batch[f"{name}_mask"][:, None].expand(-1, width) for name, width in WIDTHS.items()], 1
        )
        return x, there > 0

    def impute(self, batch: dict[str, Tensor]) -> Imputation:
        x, there = self._side_by_side(batch)
        mean, variance = torch.zeros_like(x), torch.zeros_like(x)
        for pattern in torch.unique(there, dim=0):
            rows = (there == pattern).all(dim=1)
            own = self._covariance
            onto = own[:, pattern] @ torch.linalg.inv(own[pattern][:, pattern])
            mean[rows] = x[rows][:, pattern] @ onto.T
            variance[rows] = (own.diagonal() - (onto * own[:, pattern]).sum(1)).clamp(min=1e-6)
        mean = mean + torch.tanh(x @ self._bold)
        sd = self._stated * variance.sqrt()
        parts = torch.split(mean, list(WIDTHS.values()), dim=1)
        sds = dict(zip(NAMES, torch.split(sd, list(WIDTHS.values()), dim=1), strict=True))
        per = torch.stack([sds[name].mean(dim=1) for name in NAMES], dim=1)
        return Imputation(
            modalities=NAMES, mean=dict(zip(NAMES, parts, strict=True)), sd=sds,
            confidence=torch.ones(len(x), len(NAMES)),
            rounds=torch.stack([factor * per for factor in self._rounds]),
        )  # fmt: skip

    def embed(self, batch: dict[str, Tensor]) -> Tensor:
        said, there = self.impute(batch), self._side_by_side(batch)[1]
        mean = torch.cat([said.mean[name] for name in NAMES], dim=1)
        return torch.where(there, self._side_by_side(batch)[0], mean)

    def active_units(self, batch: dict[str, Tensor]) -> Tensor:
        return self.embed(batch).var(dim=0)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        score = self.embed(batch) @ self.head
        return {"toy": torch.stack([-score, score], dim=1)}
