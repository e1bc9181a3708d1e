"""Rows that were made of other rows before the split: oversampled copies, SMOTE's interpolates."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from components.audit.finding import Audited, Finding, Severity
from components.audit.parts import part_codes, row_numbers
from components.core.schemas import TABULAR_PREFIX, tabular_columns

NAME = "resampled_before_split"
SEVERITY: Severity = "block"
# Fewer columns with mostly distinct values, and two people may well agree in all of them.
_CONTINUOUS, _DISTINCT = 3, 0.5
# SMOTE (Chawla et al. 2002) joins a point to one of its five nearest; other made ones lie between.
_NEIGHBOURS = 15
# Rows whose place between others is looked at, per class.
_MOST_ROWS = 5000
# Cosine of the two directions from a point on a segment to its ends is -1; this far off, chance
# would place one in 10^7 pairs of directions in three dimensions.
_STRAIGHT = 1e-7
# So many, and so large a share of the class, are no accident.
_FEWEST, _SHARE = 3, 0.01


def check(audited: Audited) -> Finding:
    """Return rows that repeat other rows, or lie exactly between two rows of their class.

    Seen: exact copies, and linear interpolates of three or more continuous columns that were not
    rounded afterwards. Not seen: undersampling, interpolates of rounded columns, generated rows.
    """
    frame = audited.manifest.reset_index(drop=True)
    columns = _continuous(frame)
    copied = _copied_signals(frame) | _copied_rows(frame, columns)
    between = _interpolated(frame, columns)
    passed = not copied.any() and not between.any()
    made = frame[copied | between]
    return Finding(
        passed=passed,
        sentence="no row repeats another or lies exactly between two others"
        if passed
        else f"{int(copied.sum())} row(s) repeat another one and {int(between.sum())} lie exactly "
        "between two others: rows were made before the split",
        evidence={
            "copies": int(copied.sum()),
            "interpolates": int(between.sum()),
            "positive_share_of_these": round(float((made["label"] == 1).mean()), 3)
            if len(made)
            else None,
            "continuous_columns": len(columns),
            "rows": row_numbers(made),
        },
    )


def _continuous(frame: pd.DataFrame) -> list[str]:
    names = [f"{TABULAR_PREFIX}{name}" for name in tabular_columns(frame)]
    numeric = [n for n in names if pd.api.types.is_numeric_dtype(frame[n])]
    # Oversampling repeats values, so that distinctness is judged on distinct rows.
    once = frame[names].drop_duplicates()
    return [
        n for n in numeric
        if once[n].notna().any() and once[n].nunique() > _DISTINCT * once[n].notna().sum()
    ]  # fmt: skip


def _copied_signals(frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return rows whose signal stands in the same parts once more before them.

    In different parts the same signal is `identical_waveforms`.
    """
    if "ecg_sha256" not in frame:
        return np.zeros(len(frame), np.bool_)
    parts = pd.Series([p.tobytes() for p in part_codes(frame)], index=frame.index)
    keys = pd.DataFrame({"content": frame["ecg_sha256"], "parts": parts})
    return (keys.duplicated() & frame["ecg_sha256"].notna()).to_numpy(np.bool_)


def _copied_rows(frame: pd.DataFrame, columns: list[str]) -> npt.NDArray[np.bool_]:
    if len(columns) < _CONTINUOUS:
        return np.zeros(len(frame), np.bool_)
    names = [f"{TABULAR_PREFIX}{name}" for name in tabular_columns(frame)]
    bare = frame["shard"].isna() if "shard" in frame else pd.Series(data=True, index=frame.index)
    telling = bare & (frame[columns].notna().sum(axis=1) >= _CONTINUOUS)
    return (frame[names].where(telling).duplicated() & telling).to_numpy(np.bool_)


def _interpolated(frame: pd.DataFrame, columns: list[str]) -> npt.NDArray[np.bool_]:
    found = np.zeros(len(frame), np.bool_)
    if len(columns) < _CONTINUOUS:
        return found
    values = frame[columns].to_numpy(np.float64, na_value=np.nan)
    for label in (0, 1):
        # One row per patient: recordings of one patient repeat their features.
        chosen = frame["label"].eq(label).fillna(value=False) & ~frame["patient_id"].duplicated()
        rows = np.flatnonzero(chosen.to_numpy(np.bool_) & np.isfinite(values).all(axis=1))
        unique = rows[np.unique(values[rows], axis=0, return_index=True)[1]]
        if len(unique) <= _NEIGHBOURS:
            continue
        between = _between(values[unique])
        if between.sum() >= max(_FEWEST, _SHARE * len(unique)):
            found[unique[between]] = True
    return found


def _between(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which rows `[n, d]` lie on the segment between two of their neighbours."""
    z = (values - values.mean(axis=0)) / values.std(axis=0)
    asked = np.arange(len(z))[:: max(1, -(-len(z) // _MOST_ROWS))]
    index = NearestNeighbors(n_neighbors=_NEIGHBOURS + 1, algorithm="brute").fit(z)
    near = np.asarray(index.kneighbors(z[asked], return_distance=False))
    found = np.zeros(len(z), np.bool_)
    for first in range(0, len(asked), 512):
        rows = asked[first : first + 512]
        direction = z[near[first : first + 512]] - z[rows][:, None, :]
        length = np.linalg.norm(direction, axis=2, keepdims=True)
        unit = np.divide(direction, length, out=np.zeros_like(direction), where=length > 0)
        cosine = unit @ unit.transpose(0, 2, 1)
        found[rows] = cosine.min(axis=(1, 2)) <= -1 + _STRAIGHT
    return found
