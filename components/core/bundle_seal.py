"""Checksums of a bundle's files: a model that was changed after it was written is not asked."""

from __future__ import annotations

import json
from pathlib import Path

from components.core.errors import InputError
from components.core.files import file_hash

# Of the bundle's folder: file, relative to it → sha256.
SEAL = "checksums.json"
_ADVICE = "download the model again, or evaluate and register it anew"


def seal(folder: Path) -> None:
    """Write the checksums of all files of a bundle, itself left out.

    Args:
        folder: of the bundle, whole but for them.
    """
    found = {
        file.relative_to(folder).as_posix(): file_hash(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file != folder / SEAL
    }
    (folder / SEAL).write_text(json.dumps(found, indent=1), encoding="utf-8")


def check_seal(folder: Path) -> None:
    """Compare every file that was sealed with its checksum.

    Args:
        folder: of the bundle.

    Raises:
        InputError: a file is missing or has changed, or the checksums cannot be read.
    """
    try:
        wanted = dict(json.loads((folder / SEAL).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"'{SEAL}' of the model bundle is missing or damaged ({type(error).__name__}), so that "
            f"its files cannot be checked; {_ADVICE}"
        ) from error
    for name, checksum in wanted.items():
        file = folder / str(name)
        if not file.is_file():
            raise InputError(f"the model bundle lacks '{name}'; {_ADVICE}")
        if file_hash(file) != checksum:
            raise InputError(
                f"'{name}' of the model bundle has changed since it was written (its sha256 is "
                f"another); {_ADVICE}"
            )
