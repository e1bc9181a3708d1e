"""Records → tensors. Plain functions: no MLflow, no command line."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from components.core.config.base import digest
from components.core.config.sections import EcgConfig, LabelConfig, PreprocessConfig
from components.core.data import foldstats
from components.core.data.cohort import WEIGHT_PREFIX, stats_path
from components.core.data.tensors import TensorReader
from components.core.errors import ConfigError, InputError, nearest
from components.core.files import write_atomic
from components.core.metrics.ipcw import ipcw_weights
from components.core.pool import map_chunks, worker_count
from components.core.progress import progress
from components.core.schemas import (
    MANIFEST,
    PART_PREFIX,
    PARTS,
    REJECT_SCHEMA,
    REJECTS,
    SHARDS,
    SUBJECT_COLUMNS,
    TABULAR_PREFIX,
    TIME_PREFIX,
    fold_names,
    tabular_columns,
)
from components.core.store import Stage, Workspace
from components.preprocess import labels, splits
from components.preprocess.chunks import PARTS_FOLDER, part_paths, transform_chunk
from components.preprocess.window import within_window


def preprocess(
    work: Workspace, source: Stage, *, label: LabelConfig, config: PreprocessConfig
) -> None:
    """Fill the workspace with manifest, tensor shards, splits and per-fold statistics.

    Args:
        work: receives the files and the counts.
        source: the ingest stage.
        label: what is predicted, at which horizon, and how censoring is treated.
        config: modalities, ECG window, split.

    Raises:
        InputError: nothing is left, follow-up is given for some records only, or a part of a
            split would lack a class.
    """
    frame = pd.read_parquet(source.folder / MANIFEST)
    columns = _columns(frame, config)
    has_ecg = "ecg" in config.modalities and bool(frame["ecg_shard"].notna().any())
    frame, refused = within_window(frame, config.ecg) if has_ecg else (frame, [])
    frame, rejects = _signals(work, source, frame, config, refused) if has_ecg else (
        frame.assign(shard=None, shard_row=None), refused
    )  # fmt: skip
    if frame.empty:
        raise InputError("no record is left after preprocessing; see rejects.parquet")
    labelled = labels.derive(frame, label)
    overridden = labels.contradictions(frame, labelled)
    frame = frame.assign(label=labelled.label, censored=labelled.censored)
    frame = frame.assign(**splits.assign(frame, config.split))
    frame = frame.assign(**_weights(frame, label, labelled))
    keep = [*SUBJECT_COLUMNS, "censored", "ecg_sha256", *_made(frame), *_tabular(columns)]
    write_atomic(work.path(MANIFEST), lambda p: frame[keep].to_parquet(p, index=False))
    table = pa.Table.from_pylist(rejects, schema=REJECT_SCHEMA)
    write_atomic(work.path(REJECTS), lambda p: pq.write_table(table, p))
    _statistics(work, frame, columns, config, has_ecg=has_ecg)
    _facts(work, frame, columns, config, has_ecg=has_ecg, source=source)
    work.facts["labels_overridden"] = overridden if labelled.timed else 0
    work.facts["timed"] = labelled.timed


def _columns(frame: pd.DataFrame, config: PreprocessConfig) -> list[str]:
    found = tabular_columns(frame)
    if "tabular" not in config.modalities:
        return []
    for name in config.tabular:
        if name not in found:
            raise ConfigError(f"preprocess.tabular names '{name}'; {nearest(name, found)}")
    return list(config.tabular) or found


def _tabular(columns: list[str]) -> list[str]:
    return [f"{TABULAR_PREFIX}{c}" for c in columns]


def _made(frame: pd.DataFrame) -> list[str]:
    prefixes = (PART_PREFIX, WEIGHT_PREFIX, TIME_PREFIX, "flag_")
    return ["shard", "shard_row"] + [c for c in frame.columns if c.startswith(prefixes)]


def _signals(
    work: Workspace,
    source: Stage,
    frame: pd.DataFrame,
    config: PreprocessConfig,
    refused: list[dict[str, Any]],
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    for folder in (SHARDS, PARTS_FOLDER):
        (work.folder / folder).mkdir(exist_ok=True)
    numbers = sorted({int(s) for s in frame["ecg_shard"].dropna()})
    tasks = _tasks(frame, numbers, source, work, config.ecg)
    with progress("preprocess", len(frame), "records") as advance:
        workers = min(len(numbers), worker_count(config.workers))
        for counts in map_chunks(transform_chunk, tasks, workers=workers):
            advance(counts.records + counts.rejects)
    files = [part_paths(work.folder, number) for number in numbers]
    rows = pd.concat([pd.read_parquet(part) for _, _, part in files], ignore_index=True)
    rejects = [r for _, refusals, _ in files for r in pq.read_table(refusals).to_pylist()]
    shutil.rmtree(work.folder / PARTS_FOLDER)
    return frame.merge(rows, on="sample_id", how="inner", validate="1:1"), refused + rejects


def _tasks(
    frame: pd.DataFrame, numbers: list[int], source: Stage, work: Workspace, config: EcgConfig
) -> Iterator[tuple[Any, ...]]:
    cells = [c for c in frame.columns if c.startswith("ecg_")] + ["sample_id", "row"]
    for number in numbers:
        rows = frame.loc[frame["ecg_shard"] == number, cells].to_dict("records")
        yield number, rows, source.folder / SHARDS, work.folder, config


def _weights(
    frame: pd.DataFrame, label: LabelConfig, labelled: labels.Labelled
) -> dict[str, pd.Series]:
    """Return per fold the weight of every record; censoring is estimated on its training part."""
    found: dict[str, pd.Series] = {}
    for fold in fold_names(frame):
        weight = pd.Series(1.0, index=frame.index)
        if labelled.timed and label.censoring == "ipcw" and label.horizon_days is not None:
            train = frame[f"{PART_PREFIX}{fold}"] == "train"
            weight = _ipcw(frame, labelled, train, label.horizon_days)
        found[f"{WEIGHT_PREFIX}{fold}"] = weight
    return found


def _ipcw(
    frame: pd.DataFrame, labelled: labels.Labelled, train: pd.Series, horizon: float
) -> pd.Series:
    patients = frame[train].drop_duplicates("patient_id").index
    time, code = labelled.time.loc[frame.index], labelled.code.loc[frame.index]
    weights = ipcw_weights(
        time.to_numpy(float),
        code.to_numpy(float),
        horizon,
        fit_time=time.loc[patients].to_numpy(float),
        fit_event=code.loc[patients].to_numpy(float),
    )
    return pd.Series(weights, index=frame.index)


def _statistics(
    work: Workspace,
    frame: pd.DataFrame,
    columns: list[str],
    config: PreprocessConfig,
    *,
    has_ecg: bool,
) -> None:
    numbers = sorted({int(s) for s in frame["shard"].dropna()})
    reader = TensorReader(work.folder / SHARDS, numbers) if has_ecg else None
    for fold in fold_names(frame):
        chosen = (frame[f"{PART_PREFIX}{fold}"] == "train") & frame["label"].notna()
        stats = foldstats.fit_fold(fold, frame[chosen], columns, reader, config.ecg.leads)
        path = stats_path(work.folder, fold)
        path.parent.mkdir(exist_ok=True)
        foldstats.save(stats, path)


def _facts(
    work: Workspace,
    frame: pd.DataFrame,
    columns: list[str],
    config: PreprocessConfig,
    *,
    has_ecg: bool,
    source: Stage,
) -> None:
    folds = fold_names(frame)
    known = frame[frame["label"].notna()]
    patients = known.groupby("patient_id")["label"].max()
    assignment = frame[["sample_id", *[f"{PART_PREFIX}{f}" for f in folds]]]
    work.facts |= {
        "folds": folds,
        "modalities": (["ecg"] if has_ecg else []) + (["tabular"] if columns else []),
        "features": columns,
        "ecg": config.ecg.model_dump(mode="json"),
        "patients_known": source.facts["patients_known"],
        "source": source.facts["source"],
        "test_split_sha256": digest(
            sorted(map(list, assignment.astype(str).itertuples(index=False, name=None)))
        ),
        "sizes": {fold: _sizes(known, fold) for fold in folds},
    }
    work.counts |= {
        "records": len(frame),
        "patients": int(frame["patient_id"].nunique()),
        "patients_labelled": len(patients),
        "events": int((patients == 1).sum()),
        "censored_records": int(frame["censored"].sum()),
        "rejects": pq.read_metadata(work.folder / REJECTS).num_rows,
        "prevalence": float(np.mean(patients.to_numpy(float))),
    }


def _sizes(known: pd.DataFrame, fold: str) -> dict[str, dict[str, int]]:
    sizes: dict[str, dict[str, int]] = {}
    for part in PARTS:
        rows = known[known[f"{PART_PREFIX}{fold}"] == part]
        patients = rows.groupby("patient_id")["label"].max()
        sizes[part] = {
            "records": len(rows),
            "patients": len(patients),
            "events": int((patients == 1).sum()),
        }
    return sizes
