"""Which columns of a prepared manifest hold the truth of which head; free of torch."""

from __future__ import annotations

import pandas as pd

from components.core.config.heads import HeadConfig, HeadMap
from components.core.schemas import OUTCOME_COLUMNS, TRUTH_PREFIX, of_endpoint

LABEL = "label"


def truth_column(name: str, frame: pd.DataFrame) -> str:
    """Return the column of a head's binary view or category; a task without heads has its label."""
    own = f"{TRUTH_PREFIX}{name}"
    return own if own in frame.columns else LABEL


def binary_truth(name: str, head: HeadConfig, frame: pd.DataFrame) -> pd.Series:
    """Return per record 0 or 1 of a head's binary view, missing where it is not known."""
    truth = frame[truth_column(name, frame)].astype("Float64")
    if head.kind == "classes":
        return truth.eq(len(head.classes) - 1).astype("Int8").mask(truth.isna())
    return truth.round().astype("Int8")


def known_columns(heads: HeadMap) -> tuple[str, ...]:
    """Return the columns one of which must be there for a record to teach anything.

    The label for a task without heads.
    """
    found: list[str] = []
    for name, head in heads.items():
        # Of an endpoint the times, not its truth at the horizon: who is censored before it teaches
        # nothing of the event, but how often people are censored.
        if head.kind == "survival" or (head.kind == "binary" and head.endpoint):
            found.append(of_endpoint(OUTCOME_COLUMNS[0], head.endpoint))
        elif head.kind == "binary" and not head.target:
            found.append(LABEL)
        elif head.kind != "confidence":
            found.append(f"{TRUTH_PREFIX}{name}")
    return tuple(dict.fromkeys(found)) or (LABEL,)


def teaches(frame: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series:
    """Return per record whether any of the columns is known."""
    return frame[list(columns)].notna().any(axis=1)
