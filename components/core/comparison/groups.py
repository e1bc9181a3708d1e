"""The groups that an evaluation's patients belong to, kept in its stage for comparisons."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

GROUPS = "groups.parquet"
# `key` is the value's name in the tracking store; empty where it stays out of it.
COLUMNS = ("patient_id", "column", "value", "key")


def read_groups(stage: Path) -> pd.DataFrame | None:
    """Return one row per patient and column, or None where the evaluation kept none.

    Args:
        stage: folder of the evaluation.
    """
    file = stage / GROUPS
    return pd.read_parquet(file, columns=list(COLUMNS)) if file.is_file() else None
