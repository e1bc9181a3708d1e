"""A small cohort of pictures, sounds and a table, of which each carries its share of the risk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from components.core import store
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
from components.core.modalities import MEDIA, ArrayModality
from components.core.schemas import (
    HASH_PREFIX,
    MANIFEST,
    PART_PREFIX,
    ROW_PREFIX,
    SHARD_PREFIX,
    fold_names,
)
from components.core.store import Stage
from tests.chain import (
    LABEL,
    audited,
    ingest_config,
    ingested,
    prepared,
    task_config,
    trained,
    write_table,
)

SHAPES: dict[ArrayModality, tuple[int, ...]] = {"ecg_image": (1, 16, 24), "pcg": (2, 10, 24)}
OPTIONS: dict[str, Any] = {
    "label": "label", "patient_id": "pid", "tabular": {"x": "numeric", "arm": "categorical"},
}  # fmt: skip
FIT: dict[str, Any] = {
    "epochs": 8, "batch": 16, "lr": 0.02, "patience": 8, "device": "cpu", "precision": "fp32",
    "refit": False,
}  # fmt: skip
MODEL: dict[str, Any] = {
    "name": "multimodal", "image_width": 4, "image_depth": 1, "sound_width": 4, "sound_depth": 1,
    "hidden": 8, "head_hidden": 8, "dropout": 0.0,
}  # fmt: skip
# What is tested elsewhere takes time here.
EVALUATE: dict[str, Any] = {"draws": 100, "skip": ["learning_curve", "optimism"]}
# Multiplies each input's own latent cause in the log-odds of the event.
WEIGHTS = {"x": 0.8, "ecg_image": 1.6, "pcg": 2.0}


def causes(patients: int, seed: int) -> pd.DataFrame:
    """Return `[patients]` rows of the causes and the label that they make likely."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.normal(size=patients) for name in WEIGHTS})
    risk = 1 / (1 + np.exp(-(frame * pd.Series(WEIGHTS)).sum(axis=1)))
    return frame.assign(label=(rng.random(patients) < risk).astype(int), risk=risk)


def cohort(folder: Path, *, patients: int = 240, seed: int = 3, split: str = "holdout",
           arrays: tuple[ArrayModality, ...] = MEDIA, repeats: int = 1) -> Stage:  # fmt: skip
    """Return a prepared cohort; every sixth record lacks the picture, another sixth the sound."""
    frame = causes(patients, seed)
    rows: list[dict[str, object]] = [
        {"pid": f"p{i // repeats:04d}", "label": int(row.label), "x": row.x, "arm": "ab"[i % 2]}
        for i, row in enumerate(frame.itertuples())
    ]
    folder.mkdir(parents=True, exist_ok=True)
    source = ingested(ingest_config("table", write_table(folder / "table.csv", rows), OPTIONS))
    method = {"method": split} | ({"folds": 2, "repeats": 1} if split == "folds" else {})
    plain = prepared(source, split=method)
    print_ = store.fingerprint(
        "preprocess", config={"of": plain.fingerprint, "arrays": list(arrays)},
        inputs=plain.inputs, libraries={}, source="media",
    )  # fmt: skip

    def fill(work: store.Workspace) -> None:
        work.facts |= plain.facts | {"modalities": ["tabular", *arrays]}
        work.counts |= plain.counts
        manifest = pd.read_parquet(plain.folder / MANIFEST)
        for place, name in enumerate(arrays):
            manifest = _written(work, manifest, name, frame[name].to_numpy(), place)
        manifest.to_parquet(work.path(MANIFEST), index=False)
        opened = open_arrays(work.folder, manifest)
        for fold in fold_names(manifest):
            part = manifest[f"{PART_PREFIX}{fold}"] == "train"
            train = manifest[part & manifest["label"].notna()]
            own = {name: each.take(train.index.to_numpy()) for name, each in opened.items()}
            stats = foldstats.fit_fold(
                fold, train, list(plain.facts["features"]), None, (), arrays=own
            )
            target = stats_path(work.folder, fold)
            target.parent.mkdir(exist_ok=True)
            foldstats.save(stats, target)

    return store.build(
        "preprocess", print_, config=plain.config, inputs=plain.inputs, compute=fill
    )[0]


def _written(
    work: store.Workspace, manifest: pd.DataFrame, name: ArrayModality, cause: np.ndarray,
    place: int,
) -> pd.DataFrame:  # fmt: skip
    """Write one shard: a picture whose upper half, a sound whose upper half of bands, tells."""
    number = manifest["row"].to_numpy(np.int64) - 2  # lines of the table, the header is line 1
    there = number % 6 != 2 * place + 1
    rng = np.random.default_rng(place)
    values = rng.normal(120, 25, (len(manifest), *SHAPES[name]))
    told = 25 * cause[number][:, None, None]
    if name == "ecg_image":
        values[:, 0, :8] += told
        valid, axis, dtype = None, 0, np.uint8
    else:
        values = values / 10
        values[:, :, 5:] += told[..., None] / 10
        valid = rng.random(values.shape[:2]) < 0.7
        valid[:, 0] = True
        values[~valid] = 0
        axis, dtype = 1, np.float16
    stored = values.clip(0, 255).astype(dtype)
    kept = stored if valid is None else [e[w] for e, w in zip(stored, valid, strict=True)]
    moments = np.stack([channel_moments(each, axis) for each in kept])
    folder = shard_folder(work.folder, name)
    folder.mkdir(parents=True, exist_ok=True)
    shard = ArrayShard(values=stored, valid=valid, moments=moments, axis=axis, facts={})
    write_array(folder / "00000.h5", shard)
    row = pd.Series(np.arange(len(manifest)), index=manifest.index, dtype="Int32")
    return manifest.assign(**{
        f"{SHARD_PREFIX}{name}": pd.Series(0, index=manifest.index, dtype="Int32").where(there),
        f"{ROW_PREFIX}{name}": row.where(there),
        f"{HASH_PREFIX}{name}": [f"{name}{i}" if has else None
                                 for i, has in zip(number, there, strict=True)],
    })  # fmt: skip


def task(**sections: Any) -> TaskConfig:
    """Return the task of the cohort."""
    return task_config(
        **{"label": LABEL, "model": MODEL, "fit": FIT, "evaluate": EVALUATE} | sections
    )


def trained_with_singles(stage: Stage, config: TaskConfig, **audit_: Any) -> Stage:
    """Return the training, with a network on every input by itself beside the model."""
    wide = config.with_settings({"fit.singles": True})
    return trained(audited(stage, **audit_), wide)
