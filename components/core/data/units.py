"""The unit that a split keeps whole: a patient, or patients tied by a shared site or admission."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from components.core.schemas import codes


def units(frame: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Return per record the name of its unit: records that share a value of any column share it.

    A unit is named after the first patient in it, so that one column gives the patients themselves.

    Args:
        frame: `patient_id` and the columns, one row per record.
        columns: whose shared values tie records together, e.g. `patient_id` and `site`.
    """
    if len(columns) == 1:
        return frame[columns[0]]
    rows, joined, total = np.arange(len(frame)), list[np.ndarray](), len(frame)
    for column in columns:
        joined.append(total + codes(frame[column]))
        total += int(frame[column].nunique())
    ends = (np.tile(rows, len(columns)), np.concatenate(joined))
    graph = coo_array((np.ones(len(ends[0])), ends), shape=(total, total))
    _, found = connected_components(graph, directed=False)
    component = pd.Series(found[: len(frame)], index=frame.index)
    return frame["patient_id"].groupby(component).transform("min")
