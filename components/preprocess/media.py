"""All pictures and sounds of a cohort → array shards, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from components.core.config.sections import PreprocessConfig
from components.core.data.arrays import shard_folder
from components.core.errors import InputError
from components.core.media.columns import MEDIA_COLUMNS
from components.core.modalities import MEDIA, SPOKEN, MediaModality
from components.core.parts import PARTS_FOLDER, part_paths
from components.core.pool import map_chunks, worker_count
from components.core.progress import progress
from components.core.schemas import (
    FILES_PREFIX,
    ROW_PREFIX,
    SHARD_PREFIX,
    TABULAR_PREFIX,
    media_fields,
)
from components.core.store import Stage, Workspace
from components.preprocess.arrays import require
from components.preprocess.embeddings import embedding_modalities

Rejects = list[dict[str, Any]]


def media_modalities(config: PreprocessConfig) -> list[MediaModality]:
    """Return the pictures and sounds that a task names, in the order of `MODALITIES`."""
    return [name for name in MEDIA if name in config.modalities]


def prepare_arrays(
    work: Workspace, source: Stage, frame: pd.DataFrame, config: PreprocessConfig
) -> tuple[pd.DataFrame, Rejects]:
    """Return the records with the place of their arrays, and the reject rows of files.

    A record whose picture or sound cannot be used goes on without it.

    Args:
        work: receives the shards.
        source: the ingest stage.
        frame: records of the manifest.
        config: modalities, sizes, windows, workers.

    Raises:
        InputError: no record has a modality that the task names, none of it can be used, or the
            ingest stage is of a version that did not tell its files apart.
    """
    rejects: Rejects = []
    for name in media_modalities(config):
        _require(frame, name)
        frame, refused = _prepare(work, source, frame, name, config)
        rejects += refused
        if frame[f"{SHARD_PREFIX}{name}"].isna().all():
            raise InputError(
                f"{SPOKEN[name]} could be used in none of {len(frame)} records "
                f"({_reasons(refused)}); mend the files, or change preprocess.{name}"
            )
    return frame, rejects


def _require(frame: pd.DataFrame, name: MediaModality) -> None:
    require(frame, name, f"fill in the column '{MEDIA_COLUMNS[name]}'")
    if f"{FILES_PREFIX}{name}" not in frame:
        raise InputError(
            f"the ingest stage lacks '{FILES_PREFIX}{name}', so that nobody can tell whether "
            f"{SPOKEN[name]} of one patient is another's, too; ingest again"
        )


def _reasons(refused: Rejects) -> str:
    counts = pd.Series([row["code"] for row in refused]).value_counts()
    return ", ".join(f"{count} × {code}" for code, count in counts.items())


def _prepare(
    work: Workspace,
    source: Stage,
    frame: pd.DataFrame,
    name: MediaModality,
    config: PreprocessConfig,
) -> tuple[pd.DataFrame, Rejects]:
    from components.preprocess.media_chunks import transform_media  # imports torch

    for folder in (shard_folder(work.folder, name), work.folder / PARTS_FOLDER / name):
        folder.mkdir(parents=True, exist_ok=True)
    own = _columns(frame, name)
    there = frame.loc[frame[f"{SHARD_PREFIX}{name}"].notna(), ["sample_id", "row", *own]]
    numbers = sorted({int(number) for number in there[f"{SHARD_PREFIX}{name}"]})
    tasks = _tasks(there, numbers, name, source, work, config)
    with progress(f"preprocess {SPOKEN[name]}", len(there), "records") as advance:
        workers = min(len(numbers), worker_count(config.workers))
        for counts in map_chunks(transform_media, tasks, workers=workers):
            advance(counts.records + counts.rejects)
    files = [part_paths(work.folder, number, name) for number in numbers]
    rows = pd.concat([pq.read_table(part).to_pandas() for _, _, part in files], ignore_index=True)
    rejects = [r for _, refusals, _ in files for r in pq.read_table(refusals).to_pylist()]
    return _placed(frame, rows, name), rejects


def _tasks(
    there: pd.DataFrame,
    numbers: list[int],
    name: MediaModality,
    source: Stage,
    work: Workspace,
    config: PreprocessConfig,
) -> Iterator[tuple[Any, ...]]:
    settings = getattr(config, name)
    folder = shard_folder(source.folder, name)
    for number in numbers:
        rows = there[there[f"{SHARD_PREFIX}{name}"] == number].to_dict("records")
        yield number, name, rows, folder, work.folder, settings


def _placed(frame: pd.DataFrame, rows: pd.DataFrame, name: MediaModality) -> pd.DataFrame:
    """Return the records with their new places; what is told of a file goes where it went."""
    own = _columns(frame, name)
    found = frame.drop(columns=own).merge(
        rows[["sample_id", *own]], on="sample_id", how="left", validate="1:1"
    )
    places = {c: found[c].astype("Int32") for c in (f"{SHARD_PREFIX}{name}", f"{ROW_PREFIX}{name}")}
    return found.assign(**places)


def require_something(
    frame: pd.DataFrame, columns: list[str], config: PreprocessConfig
) -> tuple[pd.DataFrame, Rejects]:
    """Return the records that hold any modality of the task, and reject rows for the others.

    Args:
        frame: records with their ECG's and arrays' places.
        columns: tabular features in use.
        config: modalities; notes, which are attached later, count as held by all.
    """
    arrays = [*media_modalities(config), *embedding_modalities(config)]
    if not arrays or "text" in config.modalities:
        return frame, []
    held = [f"{SHARD_PREFIX}{name}" for name in arrays] + [f"{TABULAR_PREFIX}{c}" for c in columns]
    something = frame[[*held, "shard"]].notna().any(axis=1)
    rejects = [
        {
            "file": "",
            "row": int(row),
            "field": "",
            "value": "",
            "code": "nothing_left",
            "reason": "the record holds none of the modalities that the task names",
            "advice": "nothing to do, or mend what the other rows say of its files",
        }
        for row in frame.loc[~something, "row"]
    ]
    return frame[something].reset_index(drop=True), rejects


def media_columns(frame: pd.DataFrame, config: PreprocessConfig) -> list[str]:
    """Return the manifest's columns of the pictures and sounds that the task names."""
    return [column for name in media_modalities(config) for column in _columns(frame, name)]


def _columns(frame: pd.DataFrame, name: MediaModality) -> list[str]:
    return [field.name for field in media_fields(name) if field.name in frame]
