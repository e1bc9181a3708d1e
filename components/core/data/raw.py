"""Content hash of the raw files that a path names, so that a changed file means a new stage."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.core.errors import InputError
from components.core.schemas import PATH_COLUMNS
from components.core.store import file_hash


def raw_digest(path: str, options: dict[str, Any]) -> str:
    """Return the sha256 over names and contents of every raw file behind `path`.

    Args:
        path: a folder, a table, or a manifest whose path columns name further files; empty for
            a source that makes its own data.
        options: the source's options; a value that names an existing file beside `path` counts.

    Raises:
        InputError: the path does not exist.
    """
    if not path:
        return "none"
    base = Path(path).expanduser()
    if not base.exists():
        raise InputError(f"the path '{path}' does not exist; correct the 'path' parameter")
    root = base if base.is_dir() else base.parent
    total = hashlib.sha256()
    for file in sorted(set(_files(base, root, options))):
        total.update(file.relative_to(root).as_posix().encode())
        total.update(file_hash(file).encode())
    return total.hexdigest()


def _files(base: Path, root: Path, options: dict[str, Any]) -> Iterator[Path]:
    if base.is_dir():
        yield from (p for p in base.rglob("*") if p.is_file())
        return
    yield base
    for value in options.values():
        if isinstance(value, str) and value and (root / value).is_file():
            yield root / value
    if base.suffix.lower() == ".csv":
        yield from _named_files(base, root)


def _named_files(manifest: Path, root: Path) -> Iterator[Path]:
    with manifest.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        for row in csv.DictReader(stream):
            for column in PATH_COLUMNS:
                name = row.get(column)
                if name:
                    yield from _with_siblings(root, root / name)


def _with_siblings(root: Path, file: Path) -> Iterator[Path]:
    """Yield the file and, for a WFDB header, its signal files; nothing outside the root."""
    if not file.resolve().is_relative_to(root.resolve()) or not file.is_file():
        return
    yield file
    if file.suffix == ".hea":
        yield from (p for p in file.parent.glob(f"{file.stem}.*") if p.is_file())
