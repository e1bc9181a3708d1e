"""Pictures and sounds that a manifest's row names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from components.core import cells, tables
from components.core.media.columns import MEDIA_COLUMNS, named_files, patient_column
from components.core.modalities import MediaModality
from components.ingest.records import MediaRef, Record

# Columns of a manifest that speak of pictures and sounds.
COLUMNS = (*MEDIA_COLUMNS.values(), *map(patient_column, MEDIA_COLUMNS))


def with_media(record: Record, row: tables.Row, root: Path) -> Record:
    """Return the record with the pictures and sounds of its row; nothing is opened yet.

    Args:
        record: of the row; of several recordings in one row each has the row's pictures and sounds.
        row: the cells.
        root: the manifest's folder.
    """
    media: dict[MediaModality, tuple[MediaRef, ...]] = {
        name: files for name in MEDIA_COLUMNS if (files := _files(name, row, root))
    }
    owners = {name: cells.text(row, patient_column(name)) for name in media}
    known = {name: owner for name, owner in owners.items() if owner is not None}
    return replace(record, media=media, media_patients=known) if media else record


def _files(name: MediaModality, row: tables.Row, root: Path) -> tuple[MediaRef, ...]:
    cell = cells.text(row, MEDIA_COLUMNS[name])
    return tuple(
        MediaRef(path=root / file.name, root=root, site=file.site)
        for file in named_files(name, cell)
    )
