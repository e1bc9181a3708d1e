"""A small cohort of three embeddings, two of which tell of each other, and a model that imputes.

The model stands in for any with losses of its own: linear, so that what training must come to is
known. `emb_clinical` and `emb_semantic` are two views of one factor, on which the outcomes depend.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from components.core import store
from components.core.config.base import Frozen
from components.core.config.fit import FitConfig
from components.core.config.heads import BinaryHead, HeadMap
from components.core.data import foldstats
from components.core.data.arrays import (
    ArrayShard,
    channel_moments,
    open_arrays,
    shard_folder,
    write_array,
)
from components.core.data.cohort import WEIGHT_PREFIX, Rows, read_part, stats_path
from components.core.device import Place
from components.core.members import data_spec
from components.core.modalities import EMBEDDED, EmbeddingModality
from components.core.models import registry
from components.core.models.blocks.mlp import Heads
from components.core.models.imputing import Imputation
from components.core.models.spec import DataSpec
from components.core.schemas import HASH_PREFIX, MANIFEST, PART_PREFIX, ROW_PREFIX, SHARD_PREFIX
from components.train.fit import FitJob, FitResult, OnEpoch, fit

CPU = Place("cpu", "fp32", "test")
NAMES: tuple[EmbeddingModality, ...] = ("emb_clinical", "emb_semantic", "emb_spatial")
WIDTH = 6
HEADS: HeadMap = {
    "toy": BinaryHead(),
    "other": BinaryHead(target="other", above=0.5),
}
KNOWN = ("label", "y.other")
Parts = tuple[Rows, Rows]


class Config(Frozen):
    """Settings of the stand-in.

    Attributes:
        alpha_impute: weight of its own loss; 0 leaves imputation untrained.
    """

    alpha_impute: float = 1.0


class Linear(nn.Module):
    """Imputes each embedding as a linear map of the others; heads answer from all of them."""

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.names = tuple(name for name in EMBEDDED if name in spec.arrays)
        own = list(self.names)
        self.map = nn.ModuleDict({name: nn.Linear(WIDTH * len(own), WIDTH) for name in own})
        for each in self.map.values():
            nn.init.zeros_(each.weight)
            nn.init.zeros_(each.bias)
        self.heads = Heads(WIDTH * len(own), spec.heads, hidden=4, dropout=0.0)
        self.loss_weights = {"impute": config.alpha_impute}
        self.epochs: list[int] = []

    def advance(self, epoch: int) -> None:
        self.epochs.append(epoch)

    def _seen(self, batch: dict[str, Tensor], hidden: str = "") -> Tensor:
        parts = [batch[name] * batch[f"{name}_mask"][:, None] * (name != hidden)
                 for name in self.names]  # fmt: skip
        return torch.cat(parts, dim=1)

    def _said(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: self.map[name](self._seen(batch, name)) for name in self.names}

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        said = self._said(batch)
        whole = [torch.where(batch[f"{name}_mask"][:, None] > 0, batch[name], said[name].detach())
                 for name in self.names]  # fmt: skip
        answers = self.heads(torch.cat(whole, dim=1))
        if not self.training:
            return answers
        losses = [((said[name] - batch[name]).square() * batch[f"{name}_mask"][:, None]).mean()
                  for name in self.names]  # fmt: skip
        return {**answers, "loss:impute": torch.stack(losses).sum()}

    def impute(self, batch: dict[str, Tensor]) -> Imputation:
        mean: dict[EmbeddingModality, Tensor] = dict(self._said(batch))  # type: ignore[arg-type]
        masks = torch.stack([batch[f"{name}_mask"] for name in self.names], dim=1)
        return Imputation(
            modalities=self.names, mean=mean, sd={n: torch.ones_like(v) for n, v in mean.items()},
            confidence=masks, rounds=masks[None],
        )  # fmt: skip

    def targets(self, batch: dict[str, Tensor]) -> dict[EmbeddingModality, Tensor]:
        return {name: batch[name] * batch[f"{name}_mask"][:, None] for name in self.names}

    def embed(self, batch: dict[str, Tensor]) -> Tensor:
        return self._seen(batch)

    def active_units(self, batch: dict[str, Tensor]) -> Tensor:
        return self._seen(batch).var(0)


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let settings name the stand-in `linear` until the patch is undone."""
    module = ModuleType("tests.train.linear_model")
    own: dict[str, Any] = {
        "NAME": "linear", "INPUTS": EMBEDDED, "Config": Config, "build": Linear,
        "suggest": lambda trial: {"a": trial.suggest_float("model.alpha_impute", 0.5, 2)},
    }  # fmt: skip
    for name, value in own.items():
        setattr(module, name, value)
    known = {**registry.models_by_name(), "linear": module}
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(registry, "models_by_name", lambda: known)


def manifest(patients: int, seed: int = 0) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Return manifest rows of two folds and modality → `[n, W]`; each lacks a modality at times."""
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(patients, 3))
    load = rng.normal(size=(2, 3, WIDTH))
    noise = rng.normal(size=(3, patients, WIDTH))
    values = {
        "emb_clinical": factor @ load[0] + 0.2 * noise[0],
        "emb_semantic": factor @ load[1] + 0.2 * noise[1],
        "emb_spatial": noise[2],
    }
    number = np.arange(patients)
    chance = 1 / (1 + np.exp(-2 * factor[:, :2]))
    truth = (rng.random((patients, 2)) < chance).astype(int)
    label = pd.Series(truth[:, 0], dtype="Int8").mask(number % 11 == 10)
    frame = pd.DataFrame(
        {
            "sample_id": [f"s{i:04d}" for i in number], "patient_id": [f"p{i:04d}" for i in number],
            "row": number, "label": label, "y.toy": label.astype("Float64"),
            "y.other": pd.Series(truth[:, 1], dtype="Float64").mask(number % 13 == 12),
            "shard": pd.Series([None] * patients, dtype="Int64"),
            "shard_row": pd.Series([None] * patients, dtype="Int64"),
        }
    )  # fmt: skip
    for place, name in enumerate(NAMES):
        there = number % 5 != place
        frame[f"{SHARD_PREFIX}{name}"] = pd.Series(0, index=frame.index, dtype="Int32").where(there)
        frame[f"{ROW_PREFIX}{name}"] = pd.Series(number, dtype="Int32").where(there)
        frame[f"{HASH_PREFIX}{name}"] = [f"{name}{i}" if has else None
                                         for i, has in zip(number, there, strict=True)]  # fmt: skip
    cycle = np.array(["train", "train", "val", "test"])
    for shift in (0, 1):
        frame[f"{PART_PREFIX}f{shift}"] = cycle[(number + shift) % 4]
        frame[f"{WEIGHT_PREFIX}f{shift}"] = 1.0
    return frame, values


def cohort(*, patients: int = 160, folds: tuple[str, ...] = ("f0",)) -> store.Stage:
    """Return the prepared cohort under `CARDIO_DATA`."""

    def fill(work: store.Workspace) -> None:
        frame, values = manifest(patients)
        frame.to_parquet(work.path(MANIFEST), index=False)
        for name in NAMES:
            target = shard_folder(work.folder, name)
            target.mkdir(parents=True)
            own = values[name].astype(np.float32)
            moments = np.stack([channel_moments(each, 0) for each in own])
            shard = ArrayShard(values=own, valid=None, moments=moments, axis=0, facts={})
            write_array(target / "00000.h5", shard)
        arrays = open_arrays(work.folder, frame)
        for fold in folds:
            seen = (frame[f"{PART_PREFIX}{fold}"] == "train") & frame[list(KNOWN)].notna().any(
                axis=1
            )
            parts = {n: part.take(np.flatnonzero(seen.to_numpy())) for n, part in arrays.items()}
            stats = foldstats.fit_fold(fold, frame[seen], [], None, (), arrays=parts)
            stats_path(work.folder, fold).parent.mkdir(exist_ok=True)
            foldstats.save(stats, stats_path(work.folder, fold))
        work.facts |= {
            "folds": list(folds), "modalities": list(NAMES), "features": [],
            "ecg": {"leads": [], "fs": 500.0, "length": 0}, "split_groups": {"patient_id": "all"},
        }  # fmt: skip

    config = {"patients": patients, "folds": list(folds)}
    print_ = store.fingerprint("preprocess", config=config, inputs={}, libraries={}, source="toy")
    return store.build("preprocess", print_, config=config, inputs={}, compute=fill)[0]


def parts(stage: store.Stage, fold: str = "f0") -> Parts:
    """Return training and validation part."""
    train, val = (read_part(stage, fold, each, known=KNOWN) for each in ("train", "val"))
    return train, val


def network(rows: Rows, *, seed: int = 0, alpha: float = 1.0, heads: HeadMap = HEADS) -> Linear:
    """Return a freshly initialised stand-in for the rows."""
    torch.manual_seed(seed)
    spec = data_spec(rows, leads=0, length=0, heads=dict.fromkeys(heads, 2))
    return Linear(Config(alpha_impute=alpha), spec)


def run(
    rows: tuple[Rows, Rows | None],
    folder: Path,
    *,
    model: nn.Module | None = None,
    heads: HeadMap = HEADS,
    on_epoch: OnEpoch | None = None,
    name: str = "",
    **settings: Any,
) -> FitResult:
    """Return what a fit of `model`, or of the stand-in, came to."""
    plain: dict[str, Any] = {"epochs": 12, "batch": 16, "lr": 0.02, "monitor": "loss"}
    config = FitConfig.model_validate(plain | settings)
    job = FitJob(train=rows[0], val=rows[1], config=config, heads=heads, place=CPU, seed=0,
                 folder=folder, name=name, on_epoch=on_epoch)  # fmt: skip
    return fit(model or network(rows[0], heads=heads), job)
