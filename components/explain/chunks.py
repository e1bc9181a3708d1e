"""All methods over all records in chunks, each written when it is finished.

A killed run finds its chunks in the workspace and goes on from the last one.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from components.core.config.explain import ExplainConfig
from components.core.files import write_atomic
from components.core.parts import PARTS_FOLDER, merge_parts
from components.core.progress import progress
from components.explain import outputs
from components.explain.method import Attributed, Method
from components.explain.subject import Subject

# Records of one method: a killed run repeats at most so many, a minute of work at most.
CHUNK = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class Chunk:
    """Some records of a subject under one method.

    Attributes:
        number: among all chunks.
        method: that explains.
        subject: whose records.
        index: `[n]` of them.
    """

    number: int
    method: Method
    subject: Subject
    index: npt.NDArray[np.int64]

    def files(self, folder: Path) -> tuple[Path, Path]:
        """Return attributions and traces; the attributions are written last."""
        parts = folder / PARTS_FOLDER
        name = f"{self.number:06d}"
        return parts / f"{name}.parquet", parts / f"{name}.traces.parquet"


def plan(subjects: Sequence[Subject], methods: Sequence[Method]) -> list[Chunk]:
    """Return all chunks: method by method, fold by fold."""
    found: list[Chunk] = []
    for method in methods:
        for subject in (each for each in subjects if not method.why_not(each)):
            for start in range(0, len(subject), CHUNK):
                index = np.arange(start, min(start + CHUNK, len(subject)))
                found.append(Chunk(number=len(found), method=method, subject=subject, index=index))
    return found


def run_chunks(folder: Path, chunks: Sequence[Chunk], config: ExplainConfig) -> None:
    """Write every chunk that is not there yet into the workspace's parts."""
    (folder / PARTS_FOLDER).mkdir(exist_ok=True)
    by_method: dict[str, list[Chunk]] = {}
    for each in chunks:
        by_method.setdefault(each.method.NAME, []).append(each)
    for name, own in by_method.items():
        total = sum(len(each.index) for each in own)
        with progress(f"explain: {name}", total, "records") as advance:
            for each in own:
                _run(folder, each, config)
                advance(len(each.index))


def _run(folder: Path, chunk: Chunk, config: ExplainConfig) -> None:
    target, traced = chunk.files(folder)
    if target.exists():
        return
    said = chunk.method.explain(chunk.subject, chunk.index, config)
    what = (said, chunk.subject, chunk.index, chunk.method.NAME)
    traces, table = outputs.trace_table(*what), outputs.long_table(*what)
    write_atomic(traced, lambda path: pq.write_table(traces, path))
    write_atomic(target, lambda path: pq.write_table(table, path))


def attributed(folder: Path, chunks: Sequence[Chunk], subject: Subject) -> dict[str, Attributed]:
    """Return method → what it says of a subject's groups, all records in their order.

    What it says at the inputs' own resolution stays on disk: `outputs.dense`.
    """
    found: dict[str, list[pa.Table]] = {}
    for each in (c for c in chunks if c.subject is subject):
        found.setdefault(each.method.NAME, []).append(pq.read_table(each.files(folder)[0]))
    ids = subject.rows.frame["sample_id"].astype(str).tolist()
    return {name: outputs.grouped_of(tables, ids) for name, tables in found.items()}


def merge(folder: Path, chunks: Sequence[Chunk], publish: outputs.Change) -> int:
    """Write the chunks' tables as one of each kind and return the number of attributions.

    Args:
        folder: the workspace.
        chunks: all of them, finished.
        publish: puts row numbers in the place of ids.
    """
    tables = [each.files(folder)[0] for each in chunks]
    count = merge_parts(folder / outputs.ATTRIBUTIONS, tables, outputs.ATTRIBUTION_SCHEMA)
    traces = (each.files(folder)[1] for each in chunks)
    merge_parts(folder / outputs.TRACES, traces, outputs.TRACE_SCHEMA)
    public = folder / "published" / outputs.ATTRIBUTIONS
    public.parent.mkdir(exist_ok=True)
    merge_parts(public, tables, outputs.ATTRIBUTION_SCHEMA, change=publish)
    return count


def clear(folder: Path) -> None:
    """Remove the parts, once everything has been made of them."""
    shutil.rmtree(folder / PARTS_FOLDER)
