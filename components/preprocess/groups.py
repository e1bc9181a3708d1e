"""The column that ties patients together, where a split keeps more than a patient whole."""

from __future__ import annotations

import pandas as pd

from components.core.errors import InputError

_COLUMNS = {"site": "site", "admission": "admission_id"}


def group_column(frame: pd.DataFrame, group: str) -> str:
    """Return the column that holds a group.

    Raises:
        InputError: the data bring none, or not for every record.
    """
    column = _COLUMNS[group]
    if column not in frame or frame[column].isna().all():
        raise InputError(
            f"preprocess.split.group is '{group}', but the data bring no {column}; add the column "
            "or set it to patient"
        )
    missing = int(frame[column].isna().sum())
    if missing:
        raise InputError(
            f"{missing} of {len(frame)} records have no {column}, which preprocess.split.group "
            "keeps together; fill it in"
        )
    return column
