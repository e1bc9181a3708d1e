"""HDF5 files that grow a record at a time and appear whole or not at all."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

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
