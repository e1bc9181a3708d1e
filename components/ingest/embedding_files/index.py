"""Whose embeddings a file holds and where: ids and shapes are read, no vector is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from components.core.errors import InputError, UserError
from components.core.readers.hdf5 import open_hdf5
from components.ingest.embedding_files.grouped import index_groups
from components.ingest.embedding_files.layout import Layout
from components.ingest.embedding_files.places import Places
from components.ingest.embedding_files.rowwise import index_rows
from components.ingest.records import EmbeddingRef


@dataclass(frozen=True, kw_only=True)
class FileIndex:
    """What one file holds.

    Attributes:
        path: of the file.
        places: patient → where its vectors lie.
        columns: names of the columns, where known.
    """

    path: Path
    places: Mapping[str, Places]
    columns: tuple[str, ...]

    def reference(self, patient: str) -> EmbeddingRef:
        """Return where a patient's vectors lie, for a worker to read."""
        own = self.places[patient]
        return EmbeddingRef(
            path=self.path, dataset=own.dataset, rows=own.rows(), quality=own.quality,
            columns=self.columns,
        )  # fmt: skip


def index_file(path: Path, layout: Layout) -> FileIndex:
    """Return whose embeddings a file holds.

    Raises:
        InputError: the file is missing, no HDF5 file, damaged, not laid out as declared, or its
            ids cannot be told apart.
    """
    state = path.stat() if path.is_file() else None
    # Ingest asks twice, once to count; a file that was written anew is another.
    return _indexed(
        path, layout.model_dump_json(), (state.st_mtime_ns, state.st_size) if state else None
    )


@lru_cache(maxsize=8)
def _indexed(path: Path, declared: str, state: tuple[int, int] | None) -> FileIndex:
    del state
    layout = Layout.model_validate_json(declared)
    with open_hdf5(path) as file:
        try:
            index: Any = index_rows if layout.layout == "rows" else index_groups
            places, columns = index(file, layout, path.name)
        except UserError:
            raise
        except Exception as error:
            # A damaged file can raise anything in there.
            raise InputError(
                f"'{path.name}' is damaged ({type(error).__name__}); write it again"
            ) from error
    return FileIndex(path=path, places=places, columns=columns)
