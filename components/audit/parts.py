"""Who lies in which part of which fold, and how evidence names records."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.schemas import PART_PREFIX, PARTS, codes, fold_names

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
# Rows listed in the evidence of one check; the counts are of all.
MOST_ROWS = 1000


def part_codes(frame: pd.DataFrame) -> npt.NDArray[np.int8]:
    """Return `[N, folds]`: number of the part in `PARTS`, -1 for none."""
    columns = [frame[f"{PART_PREFIX}{fold}"] for fold in fold_names(frame)]
    found = [pd.Categorical(column, categories=PARTS).codes for column in columns]
    return np.stack(found, axis=1).astype(np.int8)


class Apart:
    """Whether two records of different patients lie in different parts of some fold.

    Args:
        frame: manifest rows; records are named by their place in it.
        same: a column; records with the same value there are another check's business.
    """

    def __init__(self, frame: pd.DataFrame, same: str = "") -> None:
        self._parts = part_codes(frame)
        self._patient = codes(frame["patient_id"])
        self._same = codes(frame[same]) if same and same in frame else None

    def __call__(self, left: Ints, right: Ints) -> Flags:
        """Return `[P]`."""
        one, two = self._parts[left], self._parts[right]
        apart = ((one != two) & (one >= 0) & (two >= 0)).any(axis=1)
        apart &= self._patient[left] != self._patient[right]
        if self._same is not None:
            one, two = self._same[left], self._same[right]
            apart &= (one != two) | (one < 0)
        return apart


def shared_groups(
    frame: pd.DataFrame, column: str, *, between: str = "all"
) -> tuple[dict[str, int], list[int]]:
    """Return per fold how many values of `column` lie in several parts, and their rows.

    Args:
        frame: manifest rows; those without a value belong to no group.
        column: whose values are to stay whole.
        between: `all` parts, or `test` and the rest, where train and validation may share.
    """
    known = frame[frame[column].notna()]
    counts: dict[str, int] = {}
    inside = pd.Series(data=False, index=known.index)
    for fold in fold_names(frame):
        part = known[f"{PART_PREFIX}{fold}"]
        part = part.where(part.eq("test") | part.isna(), "rest") if between == "test" else part
        parts = part.groupby(known[column]).nunique()
        shared = parts.index[parts > 1]
        if len(shared):
            counts[fold] = len(shared)
            inside |= known[column].isin(shared)
    return counts, row_numbers(known[inside])


def row_numbers(frame: pd.DataFrame) -> list[int]:
    """Return the lines of the source's table, at most `MOST_ROWS`.

    Lines, and no ids: hospitals make record ids out of patient numbers.
    """
    return [int(n) for n in np.sort(frame["row"].to_numpy(np.int64))[:MOST_ROWS]]
