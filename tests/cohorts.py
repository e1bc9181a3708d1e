"""Small prepared cohorts, written as preprocess writes them but without its code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from components.core import store
from components.core.data import foldstats
from components.core.data.arrays import (
    ArrayShard,
    channel_moments,
    open_arrays,
    shard_folder,
    write_array,
)
from components.core.data.cohort import WEIGHT_PREFIX, stats_path
from components.core.data.tensors import TensorReader, write_tensors
from components.core.modalities import EMBEDDED, ArrayModality
from components.core.schemas import (
    HASH_PREFIX,
    MANIFEST,
    PART_PREFIX,
    QUALITY_PREFIX,
    ROW_PREFIX,
    SHARD_PREFIX,
    SHARDS,
)

# Pictures: channels, height, width; sounds: windows, mel filters, frames; embeddings: numbers.
ARRAY_SHAPES: dict[ArrayModality, tuple[int, ...]] = {
    "ecg_image": (1, 24, 36),
    "pcg": (3, 8, 20),
    "emb_clinical": (6,),
    "emb_semantic": (5,),
    "emb_temporal": (9,),
    "emb_pathological": (4,),
    "emb_spatial": (3, 7),  # patches, which the network weighs
}
LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


@dataclass(frozen=True)
class CohortOptions:
    """What a small cohort looks like.

    Attributes:
        patients: one recording each.
        length: samples per lead.
        folds: names; one fold is a fixed holdout.
        padded: the first this many records have 8 samples of padding on either side.
        missing_lead: lead number that the first record lacks; None = all there.
        ecg: False leaves out the signals.
        arrays: array modalities to have; each is absent in some records.
        seed: of everything drawn.
    """

    patients: int = 40
    length: int = 128
    folds: tuple[str, ...] = ("holdout",)
    padded: int = 0
    missing_lead: int | None = None
    ecg: bool = True
    arrays: tuple[ArrayModality, ...] = ()
    seed: int = 0


def write_cohort(options: CohortOptions) -> store.Stage:
    """Return a finished stage of `preprocess` under `CARDIO_DATA`."""
    plain = {key: str(value) for key, value in vars(options).items()}
    print_ = store.fingerprint("preprocess", config=plain, inputs={}, libraries={}, source="test")
    stage, _ = store.build(
        "preprocess",
        print_,
        config={"task": "toy"},
        inputs={"ingest": "0" * 32},
        compute=lambda work: _fill(work, options),
    )
    return stage


def _fill(work: store.Workspace, options: CohortOptions) -> None:
    frame = manifest(options)
    frame.to_parquet(work.path(MANIFEST), index=False)
    reader = None
    if options.ecg:
        for number in (0, 1):
            _write_shard(work, frame, number, options)
        reader = TensorReader(work.folder / SHARDS, [0, 1])
    for name in options.arrays:
        _write_arrays(work, frame, name, options.seed)
    arrays = open_arrays(work.folder, frame)
    for fold in options.folds:
        train = frame[(frame[f"{PART_PREFIX}{fold}"] == "train") & frame["label"].notna()]
        own = {name: part.take(train.index.to_numpy()) for name, part in arrays.items()}
        stats = foldstats.fit_fold(fold, train, ["age", "sex"], reader, LEADS, arrays=own)
        target = stats_path(work.folder, fold)
        target.parent.mkdir(exist_ok=True)
        foldstats.save(stats, target)
    work.facts |= {
        "folds": list(options.folds),
        "modalities": [*(["ecg"] if options.ecg else []), "tabular", *options.arrays],
        "ecg": {"leads": list(LEADS), "fs": 500.0, "length": options.length},
        "features": ["age", "sex"],
        "test_split_sha256": "e" * 64,
    }
    shapes = {name: ARRAY_SHAPES[name] for name in options.arrays if name in EMBEDDED}
    if shapes:
        work.facts["embeddings"] = {
            "pool": "attention", "max_patches": 3, "min_quality": 0.0,
            "columns": {"emb_clinical": ["age", "creatinine", "crp", "ldh", "stage", "grade"]},
            "widths": {name: shape[-1] for name, shape in shapes.items()},
            "patches": {name: shape[0] if len(shape) > 1 else 0 for name, shape in shapes.items()},
        }  # fmt: skip
    work.counts |= {"records": len(frame)}


def manifest(options: CohortOptions) -> pd.DataFrame:
    """Return the manifest rows; every fifth label is unknown, parts go round."""
    rng = np.random.default_rng(options.seed)
    n = options.patients
    number = np.arange(n)
    label = pd.Series(rng.integers(0, 2, n), dtype="Int8").mask(number % 5 == 4)
    frame = pd.DataFrame(
        {
            "sample_id": [f"s{i:04d}" for i in number],
            "patient_id": [f"p{i:04d}" for i in number],
            "row": number,
            "label": label,
            "shard": number % 2 if options.ecg else pd.Series([None] * n, dtype="Int64"),
            "shard_row": number // 2 if options.ecg else pd.Series([None] * n, dtype="Int64"),
            "tab.age": np.where(number % 7 == 3, np.nan, rng.normal(60, 10, n)),
            "tab.sex": pd.Series(rng.choice(["F", "M"], n), dtype="string"),
        }
    )
    for place, name in enumerate(options.arrays):
        there = number % 6 != (2 * place + 1) % 6
        frame[f"{SHARD_PREFIX}{name}"] = pd.Series(number % 2, dtype="Int32").where(there)
        frame[f"{ROW_PREFIX}{name}"] = pd.Series(number // 2, dtype="Int32").where(there)
        frame[f"{HASH_PREFIX}{name}"] = [f"{name}{i}" if has else None
                                         for i, has in zip(number, there, strict=True)]  # fmt: skip
        if name in EMBEDDED:
            quality = pd.Series(rng.uniform(0.5, 1, n).astype(np.float32), dtype="Float32")
            frame[f"{QUALITY_PREFIX}{name}"] = quality.where(there)
    cycle = np.array(["train", "train", "val", "test"])
    for shift, fold in enumerate(options.folds):
        frame[f"{PART_PREFIX}{fold}"] = cycle[(number + shift) % 4]
        frame[f"{WEIGHT_PREFIX}{fold}"] = 1.0 + shift + 0.5 * (number % 2)
    return frame


_STORED: dict[str, Any] = {"ecg_image": (np.uint8, 0), "pcg": (np.float16, 1)}


def _write_arrays(
    work: store.Workspace, frame: pd.DataFrame, name: ArrayModality, seed: int
) -> None:
    """Write both shards of a modality; a record with the label 1 is brighter, or louder."""
    folder = shard_folder(work.folder, name)
    folder.mkdir(parents=True, exist_ok=True)
    dtype, axis = _STORED.get(name, (np.float32, len(ARRAY_SHAPES[name]) - 1))
    windows = name == "pcg" or (name in EMBEDDED and axis > 0)
    for number in (0, 1):
        own = frame[frame.index % 2 == number]
        rng = np.random.default_rng([seed, number, len(name)])
        noise = rng.normal(100, 20, (len(own), *ARRAY_SHAPES[name]))
        told = own["label"].fillna(0).to_numpy(np.float64)
        values = (noise + 30 * told.reshape(-1, *[1] * (noise.ndim - 1))).clip(0, 255)
        valid = None
        if windows:
            valid = rng.random(values.shape[:2]) < 0.8
            valid[:, 0] = True
            values[~valid] = 0
        stored = values.astype(dtype)
        kept = stored if valid is None else [e[w] for e, w in zip(stored, valid, strict=True)]
        moments = np.stack([channel_moments(each, axis) for each in kept])
        write_array(
            folder / f"{number:05d}.h5",
            ArrayShard(values=stored, valid=valid, moments=moments, axis=axis, facts={}),
        )


def _write_shard(
    work: store.Workspace, frame: pd.DataFrame, number: int, options: CohortOptions
) -> None:
    rows = frame[frame["shard"] == number].index.to_numpy()
    rng = np.random.default_rng([options.seed, number])
    shape = (len(rows), len(LEADS), options.length)
    counts = rng.integers(-900, 900, shape).astype(np.int16)
    scale = rng.choice(np.array([0.001, 0.00488], np.float32), shape[:2])
    mask = np.ones(shape[:2], dtype=np.bool_)
    if options.missing_lead is not None:
        mask[rows == 0, options.missing_lead] = False
    valid = np.tile(np.array([0, options.length], np.int32), (len(rows), 1))
    valid[rows < options.padded] = (8, options.length - 8)
    counts[~real_counts(mask, valid, options.length)] = 0
    write_tensors(
        work.path(SHARDS, f"{number:05d}.h5"),
        ecg=counts,
        scale=scale,
        lead_mask=mask,
        valid=valid,
        moments=moments_of(counts, scale, mask, valid),
        facts={"fs": 500.0, "leads": list(LEADS), "unit": "mV"},
    )


def real_counts(mask: np.ndarray, valid: np.ndarray, length: int) -> np.ndarray:
    """Return `[n, leads, length]`, True where a sample was recorded."""
    time = np.arange(length)
    inside = (time >= valid[:, :1]) & (time < valid[:, 1:])
    return mask[:, :, None] & inside[:, None, :]


def moments_of(
    counts: np.ndarray, scale: np.ndarray, mask: np.ndarray, valid: np.ndarray
) -> np.ndarray:
    """Return `[n, leads, 3]` count, mean and squared deviations of the real samples, by loops."""
    real = real_counts(mask, valid, counts.shape[2])
    out = np.zeros((*counts.shape[:2], 3))
    for i in range(counts.shape[0]):
        for lead in range(counts.shape[1]):
            values = counts[i, lead, real[i, lead]] * float(scale[i, lead])
            if values.size:
                out[i, lead] = values.size, values.mean(), ((values - values.mean()) ** 2).sum()
    return out
