"""Content hash of the raw files that a path names, so that a changed file means a new stage."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from components.core.database_url import is_database
from components.core.errors import InputError
from components.core.files import file_hash
from components.core.media.columns import MEDIA_COLUMNS, named_files
from components.core.readers.wfdb_header import FILE_NAME, MAX_HEADER_BYTES, content_lines
from components.core.schemas import FOLDER_COLUMN, PATH_COLUMNS, file_names
from components.core.tables import allow_long_cells


def raw_digest(path: str, options: dict[str, Any]) -> str:
    """Return the sha256 over names and contents of every raw file behind `path`.

    Args:
        path: a folder, a table, or a manifest whose path columns name further files; empty for
            a source that makes its own data; of a database see `database_digest`.
        options: the source's options; a value that names an existing file beside `path` counts.

    Raises:
        InputError: the path does not exist.
    """
    if not path:
        return "none"
    if is_database(path):
        from components.core.database import database_digest  # imports the driver

        return database_digest(path)
    base = Path(path).expanduser()
    if not base.exists():
        raise InputError(f"the path '{path}' does not exist; correct the 'path' parameter")
    root = base if base.is_dir() else base.parent
    total = hashlib.sha256()
    for file in sorted(set(_files(base, root, options))):
        total.update(_name(file, root).encode())
        total.update(file_hash(file).encode())
    return total.hexdigest()


def _name(file: Path, root: Path) -> str:
    """Return a file's name under the root, also where a link leads there by another way."""
    if not file.is_relative_to(root):
        file, root = file.resolve(), root.resolve()
    return file.relative_to(root).as_posix()


def _files(base: Path, root: Path, options: dict[str, Any]) -> Iterator[Path]:
    if base.is_dir():
        yield from (p for p in base.rglob("*") if _readable(root, p))
        return
    yield base
    for key, value in _settings(options):
        if isinstance(value, str) and value and (root / value).is_file():
            if not _readable(root, root / value):
                raise InputError(
                    f"the option '{key}' names '{value}', which lies outside the folder of "
                    f"'{base.name}'; move it beside that file"
                )
            yield root / value
    if base.suffix.lower() == ".csv":
        yield from _named_files(base, root)


def _settings(options: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield every option with its key, those of options within options, too."""
    for key, value in options.items():
        if isinstance(value, dict):
            yield from _settings(cast("dict[str, Any]", value))
        else:
            yield key, value


def _named_files(manifest: Path, root: Path) -> Iterator[Path]:
    allow_long_cells()
    with manifest.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        try:
            rows = csv.DictReader(stream)
            if FOLDER_COLUMN in (rows.fieldnames or ()):
                yield from (p for p in root.rglob("*") if _readable(root, p))
                return
            for row in rows:
                for name in _names(row):
                    yield from _named(root, name)
        except csv.Error as error:
            raise InputError(f"the table '{manifest.name}' cannot be read: {error}") from error


def _names(row: dict[str, str | None]) -> Iterator[str]:
    """Yield every file that a row of a manifest names."""
    for column in PATH_COLUMNS:
        yield from file_names(column, row.get(column))
    for modality, column in MEDIA_COLUMNS.items():
        yield from (file.name for file in named_files(modality, row.get(column)))


def _named(root: Path, name: str) -> Iterator[Path]:
    """Yield what a cell names: a file, or a WFDB record without its suffix."""
    file = root / name
    yield from _with_signals(root, file if _readable(root, file) else root / f"{name}.hea")


def _with_signals(root: Path, file: Path, *, segments: bool = True) -> Iterator[Path]:
    """Yield the file and what a WFDB header names; nothing outside the root."""
    if not _readable(root, file):
        return
    yield file
    if file.suffix != ".hea":
        return
    for name in _names_in(file):
        if _readable(root, file.parent / name):
            yield file.parent / name
        elif segments:  # a record of several segments names records, which hold none themselves
            yield from _with_signals(root, file.parent / f"{name}.hea", segments=False)


def _names_in(header: Path) -> list[str]:
    with header.open("rb") as stream:
        text = stream.read(MAX_HEADER_BYTES).decode("latin-1")
    words = [line.split()[0] for line in list(content_lines(text))[1:]]
    return [word for word in words if FILE_NAME.fullmatch(word)]


def _readable(root: Path, file: Path) -> bool:
    """Return whether this is a file under the root, links resolved; ingest names what is not."""
    try:
        return file.resolve().is_relative_to(root.resolve()) and file.is_file()
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, a link loop
        return False
