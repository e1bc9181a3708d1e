"""Which pictures and sounds a record holds, file by file, so that a reused one is found.

`sha256.<modality>` is of all files of a record together: two records that share one sound of
several differ in it.
"""

from __future__ import annotations

import pandas as pd

from components.core.schemas import FILES_PREFIX, HASH_PREFIX


def has_contents(frame: pd.DataFrame, modality: str) -> bool:
    """Return whether a manifest says what its records hold of a modality."""
    return f"{HASH_PREFIX}{modality}" in frame or f"{FILES_PREFIX}{modality}" in frame


def file_rows(frame: pd.DataFrame, modality: str) -> pd.DataFrame:
    """Return a row per file that a record holds, with the record's cells and its index.

    Args:
        frame: manifest rows, `has_contents` of the modality.
        modality: whose files; its column `sha256.<modality>` is then of the one file. Without a
            column `files_sha256.<modality>` it stays of the record.
    """
    column, each = f"{HASH_PREFIX}{modality}", f"{FILES_PREFIX}{modality}"
    if each in frame:
        frame = frame.assign(**{column: frame[each]}).explode(column)
    return frame[frame[column].notna()]


def file_hashes(frame: pd.DataFrame, modality: str) -> pd.Series:
    """Return the hash of every file of a modality, indexed by its record; see `file_rows`."""
    return file_rows(frame, modality)[f"{HASH_PREFIX}{modality}"]
