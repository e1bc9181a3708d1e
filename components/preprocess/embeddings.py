"""All embeddings of a cohort → array shards, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from components.core.config.sections import PreprocessConfig
from components.core.data.arrays import shard_folder
from components.core.data.stored_embeddings import Described, describe
from components.core.errors import InputError
from components.core.modalities import EMBEDDED, SPOKEN, EmbeddingModality, short_name
from components.core.parts import PARTS_FOLDER, part_paths
from components.core.pool import map_chunks, worker_count
from components.core.progress import progress
from components.core.schemas import QUALITY_PREFIX, ROW_PREFIX, SHARD_PREFIX, embedding_fields
from components.core.store import Stage, Workspace
from components.preprocess.arrays import require
from components.preprocess.embedding_chunks import Plan, transform_embeddings

Rejects = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a modality's shards hold, and how they become rows."""

    described: Described
    plan: Plan


def embedding_modalities(config: PreprocessConfig) -> list[EmbeddingModality]:
    """Return the embeddings that a task names, in the order of `MODALITIES`."""
    return [name for name in EMBEDDED if name in config.modalities]


def prepare_embeddings(
    work: Workspace, source: Stage, frame: pd.DataFrame, config: PreprocessConfig
) -> tuple[pd.DataFrame, Rejects]:
    """Return the records with the place of their embeddings, and reject rows of those left out.

    A record whose embedding is of too low quality goes on without it. The workspace's fact
    `embeddings` says how they were made, and of each modality `widths`, `patches` (0: one vector a
    record) and, where the source names them, `columns`.

    Args:
        work: receives the shards and the fact.
        source: the ingest stage.
        frame: records of the manifest.
        config: modalities, pooling, lowest quality, workers.

    Raises:
        InputError: no record has a modality that the task names, or none of it is good enough.
    """
    rejects: Rejects = []
    facts: dict[str, Any] = config.embeddings.model_dump(mode="json")
    facts |= {"widths": {}, "patches": {}, "columns": {}}
    for name in embedding_modalities(config):
        file = f"name its file '{short_name(name)}' in the source's options"
        require(frame, name, file)
        found = _found(source, frame, name, config)
        frame, refused = _prepare(work, source, frame, name, config, found.plan)
        rejects += refused
        if frame[f"{SHARD_PREFIX}{name}"].isna().all():
            raise InputError(
                f"{SPOKEN[name]} is of a quality below preprocess.embeddings.min_quality "
                f"({config.embeddings.min_quality:g}) in all of {len(refused)} records; lower it"
            )
        facts["widths"][name] = found.described.width
        facts["patches"][name] = found.plan.patches
        if found.described.columns:
            facts["columns"][name] = list(found.described.columns)
    if facts["widths"]:
        work.facts["embeddings"] = facts
    return frame, rejects


def _numbers(frame: pd.DataFrame, name: EmbeddingModality) -> list[int]:
    return sorted({int(number) for number in frame[f"{SHARD_PREFIX}{name}"].dropna()})


def _found(
    source: Stage, frame: pd.DataFrame, name: EmbeddingModality, config: PreprocessConfig
) -> Found:
    described = describe(shard_folder(source.folder, name), _numbers(frame, name))
    several = config.embeddings.pool == "attention" and described.most > 1
    plan = Plan(
        pool=config.embeddings.pool,
        patches=min(config.embeddings.max_patches, described.most) if several else 0,
        min_quality=config.embeddings.min_quality,
        dtype="float16" if described.dtype == "float16" else "float32",
    )
    return Found(described=described, plan=plan)


def _prepare(
    work: Workspace,
    source: Stage,
    frame: pd.DataFrame,
    name: EmbeddingModality,
    config: PreprocessConfig,
    plan: Plan,
) -> tuple[pd.DataFrame, Rejects]:
    for folder in (shard_folder(work.folder, name), work.folder / PARTS_FOLDER / name):
        folder.mkdir(parents=True, exist_ok=True)
    own = _columns(name)
    there = frame.loc[frame[f"{SHARD_PREFIX}{name}"].notna(), ["sample_id", "row", *own]]
    numbers = _numbers(there, name)
    with progress(f"preprocess {SPOKEN[name]}", len(there), "records") as advance:
        workers = min(len(numbers), worker_count(config.workers))
        tasks = _tasks(there, name, source, work, plan)
        for counts in map_chunks(transform_embeddings, tasks, workers=workers):
            advance(counts.records + counts.rejects)
    files = [part_paths(work.folder, number, name) for number in numbers]
    rows = pd.concat([pq.read_table(part).to_pandas() for _, _, part in files], ignore_index=True)
    rejects = [r for _, refusals, _ in files for r in pq.read_table(refusals).to_pylist()]
    return _placed(frame, rows, name), rejects


def _tasks(
    there: pd.DataFrame, name: EmbeddingModality, source: Stage, work: Workspace, plan: Plan
) -> Iterator[tuple[Any, ...]]:
    folder = shard_folder(source.folder, name)
    shard = there[f"{SHARD_PREFIX}{name}"].to_numpy(np.int64)
    for number in np.unique(shard).tolist():
        yield number, name, there[shard == number], folder, work.folder, plan


def _placed(frame: pd.DataFrame, rows: pd.DataFrame, name: EmbeddingModality) -> pd.DataFrame:
    """Return the records with their new places."""
    own = _columns(name)
    found = frame.drop(columns=own).merge(
        rows[["sample_id", *own]], on="sample_id", how="left", validate="1:1"
    )
    places = {c: found[c].astype("Int32") for c in (f"{SHARD_PREFIX}{name}", f"{ROW_PREFIX}{name}")}
    quality = f"{QUALITY_PREFIX}{name}"
    return found.assign(**places, **{quality: found[quality].astype("Float32")})


def embedding_columns(config: PreprocessConfig) -> list[str]:
    """Return the manifest's columns of the embeddings that the task names."""
    return [column for name in embedding_modalities(config) for column in _columns(name)]


def _columns(name: EmbeddingModality) -> list[str]:
    return [field.name for field in embedding_fields(name)]
