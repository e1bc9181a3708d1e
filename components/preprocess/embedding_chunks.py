"""One ingest shard of embeddings → one array shard.

Letters: `n` records of the shard, `T` vectors of all of them, `P` vectors kept of a record, `W`
width.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from components.core.data.arrays import ArrayShard, write_array
from components.core.data.embedding_input import pooled, spread
from components.core.data.stored_embeddings import EmbeddingReader, Floats
from components.core.files import write_atomic
from components.core.modalities import EmbeddingModality
from components.core.parts import ChunkCounts, finished_counts, part_paths
from components.core.schemas import (
    QUALITY_PREFIX,
    REJECT_SCHEMA,
    ROW_PREFIX,
    SHARD_PREFIX,
    embedding_fields,
)

# Bytes of vectors in memory at a time: slides of thousands of patches are pooled in turn.
_BLOCK_BYTES = 1 << 26
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How the embeddings of one modality become rows.

    Attributes:
        pool: what several vectors of one record come to.
        patches: vectors that are kept of a record under `attention`; 0 keeps one.
        min_quality: an embedding of lower quality is left out.
        dtype: of the rows.
    """

    pool: Literal["mean", "max", "attention"]
    patches: int
    min_quality: float
    dtype: Literal["float16", "float32"]


def transform_embeddings(
    number: int,
    name: EmbeddingModality,
    rows: pd.DataFrame,
    source: Path,
    folder: Path,
    plan: Plan,
) -> ChunkCounts:
    """Prepare one chunk and write its three files; a finished chunk is left alone.

    Args:
        number: of the shard.
        name: of the modality.
        rows: of the ingest stage's manifest that lie in its shard of that number.
        source: that modality's shards in the ingest stage.
        folder: this stage's workspace.
        plan: how they become rows.
    """
    finished = finished_counts(folder, number, name)
    if finished is not None:
        return finished
    shard, rejects_file, part = part_paths(folder, number, name)
    good = rows[f"{QUALITY_PREFIX}{name}"].to_numpy(np.float32) >= np.float32(plan.min_quality)
    kept = rows[good].sort_values(f"{ROW_PREFIX}{name}")
    if len(kept):
        wanted = kept[f"{ROW_PREFIX}{name}"].to_numpy(np.int64)
        made = _shard(source / f"{number:05d}.h5", wanted, plan)
        write_atomic(shard, lambda path: write_array(path, made))
    placed = kept.assign(
        **{f"{SHARD_PREFIX}{name}": number, f"{ROW_PREFIX}{name}": np.arange(len(kept))}
    )
    refused = pa.Table.from_pylist(
        [_reject(int(row), name, plan) for row in rows.loc[~good, "row"]], schema=REJECT_SCHEMA
    )
    write_atomic(rejects_file, lambda path: pq.write_table(refused, path))
    fields = [pa.field("sample_id", pa.string(), nullable=False), *embedding_fields(name)]
    table = pa.Table.from_pandas(placed, schema=pa.schema(fields), preserve_index=False)
    write_atomic(part, lambda path: pq.write_table(table, path))
    return ChunkCounts(len(kept), len(rows) - len(kept))


def _reject(row: int, name: EmbeddingModality, plan: Plan) -> dict[str, object]:
    return {
        "file": "",
        "row": row,
        "field": name,
        "value": "",
        "code": "low_quality",
        "reason": f"the embedding's quality is below {plan.min_quality:g}",
        "advice": "nothing to do, or lower preprocess.embeddings.min_quality",
    }


def _shard(path: Path, wanted: Ints, plan: Plan) -> ArrayShard:
    """Return the array shard of some records, in the order of their rows."""
    values: list[Floats] = []
    valid: list[Flags] = []
    with EmbeddingReader(path) as reader:
        for first, stop in _blocks(reader):
            inside = wanted[(wanted >= first) & (wanted < stop)] - first
            if not len(inside):
                continue
            offsets = reader.offsets[first : stop + 1] - reader.offsets[first]
            vectors = reader.vectors(first, stop)
            if plan.patches:
                rows, there = spread(vectors, offsets[inside], offsets[inside + 1], plan.patches)
                valid.append(there)
            else:
                rows = pooled(vectors, offsets, plan.pool)[inside]
            values.append(rows.astype(plan.dtype))
    stacked = np.concatenate(values)
    return ArrayShard(
        values=stacked,
        valid=np.concatenate(valid) if valid else None,
        moments=None,
        axis=stacked.ndim - 2,
        facts={"pool": plan.pool},
    )


def _blocks(reader: EmbeddingReader) -> Iterator[tuple[int, int]]:
    """Yield first and one past the last of runs of records that fit into memory together."""
    most = max(1, _BLOCK_BYTES // reader.vector_bytes)
    first = 0
    while first < len(reader):
        end = reader.offsets[first] + most
        stop = int(np.searchsorted(reader.offsets, end, side="right")) - 1
        stop = min(max(stop, first + 1), len(reader))
        yield first, stop
        first = stop
