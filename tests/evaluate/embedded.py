"""A small cohort of embeddings with two endpoints, and a network that takes them."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from components.core import store
from components.core.config.base import Frozen
from components.core.config.heads import BinaryHead, SurvivalHead
from components.core.config.task import TaskConfig
from components.core.data import foldstats
from components.core.data.arrays import (
    ArrayShard,
    channel_moments,
    open_arrays,
    shard_folder,
    write_array,
)
from components.core.data.cohort import stats_path
from components.core.metrics.ipcw import label_at_horizon
from components.core.modalities import EMBEDDED, EmbeddingModality
from components.core.models.spec import DataSpec
from components.core.schemas import (
    HASH_PREFIX,
    MANIFEST,
    PART_PREFIX,
    QUALITY_PREFIX,
    ROW_PREFIX,
    SHARD_PREFIX,
    fold_names,
)
from components.core.store import Stage
from tests.chain import LABEL, ingest_config, ingested, prepared, task_config, write_table

HORIZON, RECURRENCE = 1826.0, 730.0
WIDTHS: dict[EmbeddingModality, int] = dict(zip(EMBEDDED, (6, 4, 5, 3, 4), strict=True))
PATCHES = 3  # of the spatial embedding
OWN_LABEL: dict[str, Any] = LABEL | {"name": "survival", "horizon_days": HORIZON}
HEADS: dict[str, Any] = {
    "survival": {"kind": "binary"},
    "recurrence": {"kind": "binary", "endpoint": "recurrence", "horizon_days": RECURRENCE},
    "survival_time": {"kind": "survival", "horizons_days": [730, HORIZON]},
    "recurrence_time": {
        "kind": "survival", "endpoint": "recurrence", "horizons_days": [365, RECURRENCE],
    },
}  # fmt: skip
OPTIONS: dict[str, Any] = {
    "label": "label", "patient_id": "pid", "event_time_days": "death", "followup_days": "last",
    "tabular": {"arm": "categorical"},
}  # fmt: skip


class Settings(Frozen):
    """Of the stand-in network."""

    hidden: int = 8


class Network(nn.Module):
    """A layer on every embedding side by side, and a learned vector for an absent one."""

    def __init__(self, config: Settings, spec: DataSpec) -> None:
        super().__init__()
        widths = {name: shape[-1] for name, shape in spec.arrays.items()}
        self.layers = nn.ModuleDict({n: nn.Linear(w, config.hidden) for n, w in widths.items()})
        self.absent = nn.ParameterDict(
            {n: nn.Parameter(torch.zeros(config.hidden)) for n in widths}
        )
        joint = config.hidden * len(widths)
        self.heads = nn.ModuleDict({n: nn.Linear(joint, k) for n, k in spec.heads.items()})

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of every head."""
        parts: list[Tensor] = []
        for name, layer in self.layers.items():
            values = batch[name]
            if f"{name}_valid" in batch:
                valid = batch[f"{name}_valid"][:, :, None]
                values = (values * valid).sum(1) / valid.sum(1).clamp(min=1)
            there = batch[f"{name}_mask"][:, None] > 0
            parts.append(torch.where(there, torch.tanh(layer(values)), self.absent[name]))
        joint = torch.cat(parts, 1)
        return {name: head(joint) for name, head in self.heads.items()}


STAND_IN = cast(
    ModuleType,
    SimpleNamespace(
        NAME="stand_in", INPUTS=EMBEDDED, Config=Settings, build=Network, suggest=lambda trial: {}
    ),
)


def truth(patients: int, seed: int) -> pd.DataFrame:
    """Return `[patients]` rows: three factors, and days to death, recurrence and last contact."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(patients, 3))
    risk = 1.1 * factors[:, 0] + 0.9 * factors[:, 1]
    death = rng.exponential(4500 * np.exp(-risk))
    recurrence = rng.exponential(2600 * np.exp(-1.2 * factors[:, 1] - 0.5 * factors[:, 2]))
    last = rng.uniform(200, 4000, patients)
    columns = {f"z{i}": factors[:, i] for i in range(3)}
    return pd.DataFrame({**columns, "death": death, "recurrence": recurrence, "last": last})


def outcomes(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of the endpoint `recurrence`: death before it competes."""
    end = np.minimum(frame["death"], frame["last"])
    code = np.where(frame["recurrence"] <= end, 1, np.where(frame["death"] <= frame["last"], 2, 0))
    time = np.minimum(end, frame["recurrence"])
    return pd.DataFrame({
        "time_days.recurrence": time, "event_code.recurrence": pd.Series(code, dtype="Int8"),
        "y.recurrence": label_at_horizon(time, code, RECURRENCE),
        "y.recurrence_time": label_at_horizon(time, code, RECURRENCE),
    })  # fmt: skip


def cohort(folder: Path, *, patients: int = 400, seed: int = 5, **split: Any) -> Stage:
    """Return a prepared cohort; every embedding is absent in some, and no patient lacks all."""
    frame = truth(patients, seed)
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = [
        {
            "pid": f"p{i:04d}", "arm": "ab"[i % 2], "last": min(row.death, row.last),
            "label": int(row.death <= min(row.last, HORIZON)),
            "death": row.death if row.death <= row.last else None,
        }
        for i, row in enumerate(frame.itertuples())
    ]  # fmt: skip
    source = ingested(ingest_config("table", write_table(folder / "table.csv", rows), OPTIONS))
    plain = prepared(source, label=OWN_LABEL, split={"method": "holdout"} | split)
    print_ = store.fingerprint(
        "preprocess", config={"of": plain.fingerprint}, inputs=plain.inputs, libraries={},
        source="embedded",
    )  # fmt: skip

    def fill(work: store.Workspace) -> None:
        work.facts |= plain.facts | {
            "modalities": list(EMBEDDED), "features": [],
            "learned_from": ["time_days", "time_days.recurrence"],
        }  # fmt: skip
        work.counts |= plain.counts
        manifest = pd.read_parquet(plain.folder / MANIFEST)
        number = manifest["row"].to_numpy(np.int64) - 2  # lines of the table, the header is line 1
        own = frame.iloc[number].reset_index(drop=True)
        manifest = manifest.assign(**outcomes(own), **{
            "y.survival": manifest["label"].astype("Float64"),
            "y.survival_time": manifest["label"].astype("Float64"),
        })  # fmt: skip
        for place, name in enumerate(EMBEDDED):
            manifest = _written(work, manifest, name, own, place)
        manifest.to_parquet(work.path(MANIFEST), index=False)
        opened = open_arrays(work.folder, manifest)
        for fold in fold_names(manifest):
            train = manifest[manifest[f"{PART_PREFIX}{fold}"] == "train"]
            part = {name: each.take(train.index.to_numpy()) for name, each in opened.items()}
            stats = foldstats.fit_fold(fold, train, [], None, (), arrays=part)
            stats_path(work.folder, fold).parent.mkdir(exist_ok=True)
            foldstats.save(stats, stats_path(work.folder, fold))

    config = plain.config | {"heads": HEADS}
    return store.build("preprocess", print_, config=config, inputs=plain.inputs, compute=fill)[0]


def _written(
    work: store.Workspace, manifest: pd.DataFrame, name: EmbeddingModality, own: pd.DataFrame,
    place: int,
) -> pd.DataFrame:  # fmt: skip
    """Write one shard: the embedding shows the factors through noise."""
    number = manifest["row"].to_numpy(np.int64) - 2
    there = number % 7 != place + 1
    rng = np.random.default_rng(place)
    factors = own[["z0", "z1", "z2"]].to_numpy(np.float64)
    seen = factors @ rng.normal(size=(3, WIDTHS[name])) * (3 if place < 3 else 1)
    values = (seen + rng.normal(0, 1, seen.shape)).astype(np.float32)
    valid = None
    if name == "emb_spatial":
        values = values[:, None, :] + rng.normal(0, 0.2, (len(values), PATCHES, WIDTHS[name]))
        values, valid = values.astype(np.float32), rng.random((len(values), PATCHES)) < 0.7
        valid[:, 0] = True
        values[~valid] = 0
    kept = values if valid is None else [e[w] for e, w in zip(values, valid, strict=True)]
    moments = np.stack([channel_moments(each, each.ndim - 1) for each in kept])
    folder = shard_folder(work.folder, name)
    folder.mkdir(parents=True, exist_ok=True)
    shard = ArrayShard(values=values, valid=valid, moments=moments, axis=values.ndim - 2, facts={})
    write_array(folder / "00000.h5", shard)
    row = pd.Series(np.arange(len(manifest)), index=manifest.index, dtype="Int32")
    return manifest.assign(**{
        f"{SHARD_PREFIX}{name}": pd.Series(0, index=manifest.index, dtype="Int32").where(there),
        f"{ROW_PREFIX}{name}": row.where(there),
        f"{HASH_PREFIX}{name}": [f"{name}{i}" if h else None
                                 for i, h in zip(number, there, strict=True)],
        f"{QUALITY_PREFIX}{name}": pd.Series(1.0, index=manifest.index).where(there),
    })  # fmt: skip


def task(**sections: Any) -> TaskConfig:
    """Return the task; the stand-in has to be known among the models."""
    own: dict[str, Any] = {
        "label": OWN_LABEL, "heads": HEADS, "model": {"name": "stand_in"},
        "fit": {"epochs": 6, "batch": 32, "lr": 0.02, "patience": 6, "device": "cpu",
                "precision": "fp32", "refit": False, "monitor": "loss"},
        "evaluate": {"draws": 100, "baselines": ["logistic_regression", "random_forest"],
                     "skip": ["learning_curve", "optimism"]},
    }  # fmt: skip
    return task_config(**own | sections)


def binary(name: str = "recurrence") -> BinaryHead:
    """Return a binary head of the task."""
    return BinaryHead.model_validate(HEADS[name])


def survival(name: str = "recurrence_time") -> SurvivalHead:
    """Return a head of times of the task."""
    return SurvivalHead.model_validate(HEADS[name])
