"""All ECGs of a cohort → tensor shards, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from components.core.config.sections import EcgConfig, PreprocessConfig
from components.core.parts import PARTS_FOLDER, part_paths
from components.core.pool import map_chunks, worker_count
from components.core.progress import progress
from components.core.schemas import SHARDS
from components.core.store import Stage, Workspace
from components.preprocess.chunks import transform_chunk


def prepare_signals(
    work: Workspace, source: Stage, frame: pd.DataFrame, config: PreprocessConfig
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return the records whose ECG could be prepared, with their place, and the reject rows.

    Args:
        work: receives the shards.
        source: the ingest stage.
        frame: records of the manifest.
        config: rate, leads, length, workers.
    """
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
    return frame.merge(rows, on="sample_id", how="inner", validate="1:1"), rejects


def _tasks(
    frame: pd.DataFrame, numbers: list[int], source: Stage, work: Workspace, config: EcgConfig
) -> Iterator[tuple[Any, ...]]:
    cells = [c for c in frame.columns if c.startswith("ecg_")] + ["sample_id", "row"]
    for number in numbers:
        rows = frame.loc[frame["ecg_shard"] == number, cells].to_dict("records")
        yield number, rows, source.folder / SHARDS, work.folder, config
