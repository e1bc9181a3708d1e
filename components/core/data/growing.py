"""HDF5 files that grow a record at a time and appear whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import h5py

from components.core.files import write_atomic


@contextmanager
def growing(path: Path) -> Generator[h5py.File]:
    """Open a new HDF5 file that gets its name on leaving the context without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Of this fingerprint's one process: what a killed one left is written over.
    partial = path.with_name(f".{path.name}.growing")
    try:
        with h5py.File(partial, "w") as file:
            yield file
        write_atomic(path, partial.rename)
    finally:
        partial.unlink(missing_ok=True)


class ShardWriter(Protocol):
    """Takes in records one by one."""

    def finish(self) -> None:
        """Write what is known only when all records are in."""
        ...


W = TypeVar("W", bound=ShardWriter)


@contextmanager
def written(path: Path, make: Callable[[h5py.File], W]) -> Generator[W]:
    """Open a writer of a new shard, which appears whole on leaving the context without an error.

    Args:
        path: of the shard.
        make: makes the writer for the open file.
    """
    with growing(path) as file:
        writer = make(file)
        yield writer
        writer.finish()
