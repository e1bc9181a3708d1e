"""A row of a table as a bundle takes it: fields, declarations, notes, and the files that it names.

Cells are read under the rules that ingest reads by, files stay under the table's folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.core import cells
from components.core.bundle_files import BundleFacts
from components.core.bundle_inputs import DECLARED, NOTES
from components.core.bundle_media import naming
from components.core.media.columns import MEDIA_COLUMNS, named_files
from components.core.modalities import MediaModality
from components.core.readers.rawfile import DiskFile, RawFile


def row_of(row: Mapping[str, str | None], facts: BundleFacts) -> dict[str, Any]:
    """Return declarations, clinical fields and notes of a row.

    Args:
        row: column → cell.
        facts: of the model.

    Raises:
        RecordError: a numeric field that holds no number.
    """
    found: dict[str, Any] = {name: cells.text(row, name) for name in DECLARED}
    for name, kind in facts.features.items():
        reader = cells.number if kind == "numeric" else cells.text
        found[name] = reader(row, name)
    if facts.notes:
        found[NOTES] = cells.text(row, NOTES)
    return found


def media_files(
    row: Mapping[str, str | None], facts: BundleFacts, root: Path
) -> dict[MediaModality, list[RawFile]]:
    """Return the files of a row; a modality that it does not name is not among them.

    Args:
        row: column → cell.
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
