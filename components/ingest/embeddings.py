"""Embeddings of a record → rows of a shard, and a reject row per embedding that cannot be used.

A record whose embedding is refused goes on without it.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa

from components.core.data.arrays import shard_folder
from components.core.data.growing import written
from components.core.data.stored_embeddings import (
    EmbeddingWriter,
    Floats,
    describe,
    embedding_hash,
)
from components.core.errors import RecordError
from components.core.modalities import EMBEDDED, EmbeddingModality
from components.core.parts import part_paths
from components.core.readers.hdf5 import open_hdf5, own_member, read_vectors
from components.core.schemas import HASH_PREFIX, QUALITY_PREFIX, ROW_PREFIX, SHARD_PREFIX
from components.core.store import Workspace
from components.ingest.records import EmbeddingRef, EmbeddingValues, Record, Reject
from components.ingest.rejects import check_rate


@dataclass
class EmbeddingShards:
    """The shards of one chunk's embeddings, opened where a record needs them.

    Args:
        folder: the stage's workspace.
        number: of the chunk.
        open_files: closes the shards when its own context ends.
    """

    folder: Path
    number: int
    open_files: ExitStack
    _writers: dict[EmbeddingModality, EmbeddingWriter] = field(default_factory=dict)
    _files: dict[Path, h5py.File] = field(default_factory=dict[Path, h5py.File])
    _sources: dict[Path, tuple[str, Any]] = field(default_factory=dict[Path, tuple[str, Any]])

    @property
    def modalities(self) -> list[EmbeddingModality]:
        """Return what the chunk's records name embeddings of, in the order of `EMBEDDED`."""
        return [name for name in EMBEDDED if name in self._writers]

    def take(self, record: Record) -> tuple[dict[str, Any], list[Reject]]:
        """Return the manifest cells of a record's embeddings, and the refused ones.

        Raises:
            InputError: width, type or column names differ from those of other records.
        """
        cells: dict[str, Any] = {}
        refused: list[Reject] = []
        for name, source in record.embeddings.items():
            writer = self._writer(name)
            try:
                values = self._read(source)
            except RecordError as error:
                refused.append(_refused(name, record, error))
                continue
            row = writer.add(values, source.columns)
            cells |= {
                f"{SHARD_PREFIX}{name}": self.number,
                f"{ROW_PREFIX}{name}": row,
                f"{HASH_PREFIX}{name}": embedding_hash(values),
                f"{QUALITY_PREFIX}{name}": source.quality,
            }
        return cells, refused

    def _read(self, source: EmbeddingRef | EmbeddingValues) -> Floats:
        """Return `[P, W]`.

        Raises:
            RecordError: `quality_out_of_range`, `unreadable_embedding`, `not_finite`.
        """
        _check_quality(source.quality)
        if isinstance(source, EmbeddingValues):
            _check_finite(source.values, gaps=True)
            return source.values
        values = read_vectors(self._source(source), source.rows)
        _check_finite(values, gaps=False)
        return values

    def _source(self, source: EmbeddingRef) -> Any:  # noqa: ANN401 - h5py ships no types
        """Return a data set, opened once where records share it."""
        if source.path not in self._files:
            self._files[source.path] = self.open_files.enter_context(open_hdf5(source.path))
        name, data = self._sources.get(source.path, ("", None))
        if name != source.dataset:
            data = own_member(self._files[source.path], source.dataset)
            self._sources[source.path] = (source.dataset, data)
        return data

    def _writer(self, name: EmbeddingModality) -> EmbeddingWriter:
        if name not in self._writers:
            shard, _, _ = part_paths(self.folder, self.number, name)
            self._writers[name] = self.open_files.enter_context(written(shard, EmbeddingWriter))
        return self._writers[name]


def _check_quality(quality: float) -> None:
    # NaN is no number between 0 and 1 either.
    if not 0 <= quality <= 1:
        raise RecordError(
            "quality_out_of_range", "the quality does not lie between 0 and 1",
            value=f"{quality:g}", advice="write a quality from 0 (worst) to 1",
        )  # fmt: skip


def _check_finite(values: Floats, *, gaps: bool) -> None:
    """Refuse what is no number in single precision, in which it is computed with.

    Args:
        values: `[P, W]`.
        gaps: NaN is a missing entry; of all entries some must be there then.
    """
    with np.errstate(over="ignore"):
        single = values.astype(np.float32, copy=False)
    known = ~np.isnan(single) if gaps else np.ones(single.shape, np.bool_)
    if not known.any() or not np.isfinite(single[known]).all():
        raise RecordError(
            "not_finite", "the embedding holds numbers that are missing or infinite",
            advice="leave the patient out of that file, or make the embedding again",
        )  # fmt: skip


def _refused(name: EmbeddingModality, record: Record, error: RecordError) -> Reject:
    """Return the reject row of an embedding, under its modality's name."""
    own = replace(Reject.of(error, file=record.file, row=record.row), field=name)
    return own.withheld() if record.keyed else own


def check_embeddings(
    work: Workspace, manifest: pa.Table, refused: pa.Table, *, limit: float
) -> None:
    """Count what was read and refused of embeddings; stop above the limit.

    Args:
        work: holds the shards and the rejects already; receives the counts.
        manifest: of the records that were taken.
        refused: reject rows of embeddings and files.
        limit: highest share of refused embeddings of a modality.

    Raises:
        InputError: the share is above the limit, no embedding of a modality could be read, or
            records differ in width or columns.
    """
    for name in EMBEDDED:
        if f"{SHARD_PREFIX}{name}" not in manifest.column_names:
            continue
        shards = manifest.column(f"{SHARD_PREFIX}{name}").drop_null()
        mine = [field == name for field in refused.column("field").to_pylist()]
        own = refused.filter(pa.array(mine, pa.bool_()))
        work.counts |= {
            f"records_with_{name}": len(shards),
            f"embeddings_refused_{name}": own.num_rows,
        }
        check_rate(
            work, own, what=f"embeddings '{name}'", total=len(shards) + own.num_rows, limit=limit
        )
        describe(shard_folder(work.folder, name), sorted(set(shards.to_pylist())))
