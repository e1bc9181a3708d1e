"""The files of one chunk while a stage is being made: what a killed stage goes on from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from components.core.files import write_atomic
from components.core.schemas import SHARDS

PARTS_FOLDER = "parts"


@dataclass(frozen=True)
class ChunkCounts:
    """What a chunk came to."""

    records: int
    rejects: int


def part_paths(folder: Path, number: int, modality: str = "") -> tuple[Path, Path, Path]:
    """Return shard, rejects and rows of a chunk; the last is written when the others are there.

    Args:
        folder: of the stage.
        number: of the chunk.
        modality: whose shards lie in a folder of their own; empty for an ECG's.
    """
    parts = folder / PARTS_FOLDER / modality
    return (
        folder / SHARDS / modality / f"{number:05d}.h5",
        parts / f"{number:05d}.rejects.parquet",
        parts / f"{number:05d}.parquet",
    )


def finished_counts(folder: Path, number: int, modality: str = "") -> ChunkCounts | None:
    """Return what a finished chunk came to, None for one that is still to be made."""
    _, rejects, rows = part_paths(folder, number, modality)
    if not rows.exists():
        return None
    return ChunkCounts(pq.read_metadata(rows).num_rows, pq.read_metadata(rejects).num_rows)


def merge_parts(
    target: Path,
    parts: Iterable[Path],
    schema: pa.Schema,
    *,
    change: Callable[[pa.Table], pa.Table] | None = None,
) -> int:
    """Write the parts one after another, one in memory at a time, and return their rows.

    Args:
        target: the Parquet file to write.
        parts: Parquet files.
        schema: of the parts and of the target.
        change: makes of each part what is written; None leaves it.
    """
    count = 0

    def write(path: Path) -> None:
        nonlocal count
        with pq.ParquetWriter(path, schema) as writer:
            for part in parts:
                table = pq.read_table(part, schema=schema)
                count += table.num_rows
                writer.write_table(table if change is None else change(table))

    write_atomic(target, write)
    return count
