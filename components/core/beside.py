"""Files that an option names beside a manifest or table."""

from __future__ import annotations

from pathlib import Path

from components.core.errors import InputError


def locate(root: Path, name: str, option: str) -> Path:
    """Return the file that an option names under the data folder.

    Raises:
        InputError: it lies elsewhere or does not exist.
    """
    file = root / name
    if not file.resolve().is_relative_to(root.resolve()):
        raise InputError(
            f"the option '{option}' names '{name}', which lies outside the data folder; move the "
            "file beside the table"
        )
    if not file.is_file():
        raise InputError(
            f"the option '{option}' names '{name}', which does not exist under the data folder; "
            "correct it"
        )
    return file
