"""Gaps filled before the split, with what the test part, or the label, says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from components.audit.finding import Audited, Finding, Severity
from components.core.schemas import PART_PREFIX, TABULAR_PREFIX, fold_names, tabular_columns

NAME = "imputed_before_split"
SEVERITY: Severity = "block"
# A filled-in constant stands in several rows; the rest must fix a mean.
_REPEATED, _REST = 5, 30
# Values looked at per column, the most frequent first.
_MOST_VALUES = 5
# A mean has more decimals than what was measured.
_MORE_DECIMALS = 2
# Share of distinct values above which a value that repeats was not measured.
_DISTINCT = 0.5
# SDs within which a constant must be written to be traced: a measured value that repeats would
# else meet one of a dozen means by chance. What has more decimals than measurements is none.
_PRECISE, _PRECISE_FINER = 1e-4, 1e-3
_SHOWN = 10  # significant digits; beyond them lie rounding errors of sums


def check(audited: Audited) -> Finding:
    """Return the columns with a constant that is the mean or median of more than a train part.

    A constant that the train part alone gives is no leak. Seen: means and medians, over records
    or patients, of all parts, of train and one other part, and of one class. Not seen: values
    imputed one by one (regression, nearest neighbours, chained equations).
    """
    frame = audited.manifest
    found: dict[str, str] = {}
    for name in tabular_columns(frame):
        values = frame[f"{TABULAR_PREFIX}{name}"]
        if pd.api.types.is_numeric_dtype(values):
            origin = _origin(frame, values.astype("float64"))
            if origin:
                found[name] = origin
    told = ", ".join(f"'{name}' with {origin}" for name, origin in found.items())
    return Finding(
        passed=not found,
        sentence=f"gaps were filled before the split: {told}"
        if found
        else "no feature holds a constant that comes from more than the train part",
        evidence={"columns": found},
    )


def _origin(frame: pd.DataFrame, values: pd.Series) -> str:
    """Return what a column's gaps were filled with, or nothing."""
    counts = values.value_counts().head(_MOST_VALUES)
    for value, count in counts[counts >= _REPEATED].items():
        constant = float(str(value))
        rest = values[values.notna() & (values != constant)]
        if len(rest) < _REST:
            continue
        if not _suspect(constant, rest):
            continue
        known = frame.loc[rest.index]
        if any(_is(constant, pool) for pool in _innocent(known, rest)):
            continue
        for what, pool in _pools(known, rest):
            if _is(constant, pool):
                return f"the mean or median of {what} in {count} record(s)"
    return ""


def _suspect(constant: float, rest: pd.Series) -> bool:
    """Return whether the constant is no measurement, and precise enough to be traced to a mean."""
    finer = _decimals(constant) >= _usual_decimals(rest) + _MORE_DECIMALS
    continuous = rest.nunique() > _DISTINCT * len(rest)
    if not finer and not continuous:
        return False
    bound = _PRECISE_FINER if finer else _PRECISE
    return _tolerance(constant) <= bound * float(rest.std())


def _tolerance(constant: float) -> float:
    """Return half a unit of the last decimal, and what summing may have cost."""
    return 0.51 * 10.0 ** -_decimals(constant) + 1e-9 * abs(constant)


def _innocent(frame: pd.DataFrame, rest: pd.Series) -> Iterator[pd.Series]:
    for fold in fold_names(frame):
        yield rest[frame[f"{PART_PREFIX}{fold}"] == "train"]


def _pools(frame: pd.DataFrame, rest: pd.Series) -> Iterator[tuple[str, pd.Series]]:
    yield "all parts", rest
    for fold in fold_names(frame):
        part = frame[f"{PART_PREFIX}{fold}"]
        yield "train and test part", rest[part.isin(["train", "test"])]
        yield "train and validation part", rest[part.isin(["train", "val"])]
    for label in (0, 1):
        yield "one class", rest[frame["label"].eq(label).fillna(value=False)]
    first = ~frame["patient_id"].duplicated()
    yield "all patients", rest[first]


def _is(constant: float, pool: pd.Series) -> bool:
    """Return whether the constant is the pool's mean or median, to its own last decimal."""
    if len(pool) < _REST:
        return False
    middle = np.array([pool.mean(), pool.median()])
    # A median that is itself a measured value stands in the data anyway.
    measured = bool((pool == middle[1]).any())
    near = np.abs(middle - constant) <= _tolerance(constant)
    return bool(near[0] or (near[1] and not measured))


def _decimals(value: float) -> int:
    text = f"{value:.{_SHOWN}g}"
    return len(text.partition(".")[2]) if "e" not in text else _SHOWN


def _usual_decimals(rest: pd.Series) -> int:
    sample = rest.iloc[:: max(1, len(rest) // 500)]
    return int(np.median([_decimals(float(v)) for v in sample]))
