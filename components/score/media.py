"""Pictures and sounds that a manifest's row names, as files under its folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from components.core import cells
from components.core.bundle_files import BundleFacts
from components.core.bundle_media import naming
from components.core.media.columns import MEDIA_COLUMNS, named_files
from components.core.modalities import MediaModality
from components.core.readers.rawfile import DiskFile, RawFile


def media_files(
    row: Mapping[str, str | None], facts: BundleFacts, root: Path
) -> dict[MediaModality, list[RawFile]]:
    """Return the files of a row; a modality that it does not name is not among them.

    Args:
        row: of the manifest.
        facts: of the model.
        root: folder that the paths are relative to, and must stay under.

    Raises:
        RecordError: a file that is not there, is empty or lies elsewhere; the modality is named.
    """
    found: dict[MediaModality, list[RawFile]] = {}
    for name in facts.media:
        named = named_files(name, cells.text(row, MEDIA_COLUMNS[name]))
        with naming(name):
            files: list[RawFile] = [DiskFile(root / each.name, root) for each in named]
        if files:
            found[name] = files
    return found
