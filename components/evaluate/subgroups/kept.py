"""The groups of the evaluated patients, written for those who compare models on them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from components.core.comparison.groups import COLUMNS
from components.evaluate.subgroups.grouping import Column


def groups_table(columns: Sequence[Column], patients: pd.Series) -> pd.DataFrame:
    """Return one row per patient and column whose value is known.

    Args:
        columns: what to divide by.
        patients: ids of the evaluated patients.

    Returns:
        `patient_id`, `column` (its name in the tracking store), `value` (as shown), `key`,
        the values in the order in which they are shown.
    """
    parts = [_rows(column, patients.drop_duplicates()) for column in columns]
    empty = pd.DataFrame(columns=list(COLUMNS), dtype="string")
    return pd.concat([empty, *parts], ignore_index=True).astype("string")


def _rows(column: Column, patients: pd.Series) -> pd.DataFrame:
    cells = pd.DataFrame({"patient_id": patients, "value": patients.map(column.of_patient)})
    known = cells.dropna(subset="value").astype("string")
    place = {value: number for number, value in enumerate(column.shown)}
    found = known.assign(column=column.key, key=known["value"].map(column.keys))
    return found.sort_values("value", key=lambda v: v.map(place), kind="stable")[list(COLUMNS)]
