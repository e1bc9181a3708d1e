"""Whose embeddings a file holds and where: ids and shapes are read, no vector is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from components.core.embedding_files.grouped import index_groups
from components.core.embedding_files.layout import Files, Layout
from components.core.embedding_files.places import Places
from components.core.embedding_files.rowwise import index_rows
from components.core.errors import InputError, UserError
from components.core.modalities import EmbeddingModality, short_name
from components.core.readers.hdf5 import open_hdf5


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


def index_files(folder: Path, options: Files) -> dict[EmbeddingModality, FileIndex]:
    """Return whose embeddings the declared files of a folder hold.

    Raises:
        InputError: as `index_file`, or a file lies outside the folder.
    """
    found: dict[EmbeddingModality, FileIndex] = {}
    for name, own in options.modalities().items():
        file = folder / own.file
        if not file.resolve().is_relative_to(folder.resolve()):
            raise InputError(
                f"files.{short_name(name)} names a file outside the folder of the table; move it "
                "beside that"
            )
        found[name] = index_file(file, own.within(options.common()))
    return found
