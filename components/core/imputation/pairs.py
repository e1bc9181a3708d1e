"""Errors of every hidden pair of a record and a modality, by every way to impute it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from components.core.imputation.calibrate import normal_reach
from components.core.imputation.vectors import Flags, Floats, Values, Vectors

# Nominal shares of the intervals that are looked at.
LEVELS = (0.5, 0.8, 0.9, 0.95)
OURS = "model"
ERROR, COSINE, COVERED, WIDTH = "error.", "cosine.", "covered.", "sd"


def pair_frame(
    truth: Vectors, hidden: Flags, said: Mapping[str, Values], sd: Values, *, centre: Values
) -> pd.DataFrame:
    """Return one row per hidden pair.

    Columns: `place` (of the record), `patient_id`, `modality`, `error.<way>` (mean squared error
    over known entries), `cosine.<way>` (of the distances from the training mean, −1 to 1, higher is
    better; NaN of the mean itself), `covered.<level>` (share of entries within our interval) and
    `sd` (ours, mean over entries).

    Args:
        truth: of the records.
        hidden: `[n, M]` which pairs.
        said: way → modality → `[n, W]`; `model` is ours.
        sd: modality → `[n, W]`, of ours.
        centre: modality → `[W]` training mean.
    """
    parts: list[pd.DataFrame] = []
    for column, name in enumerate(truth.names):
        rows = np.flatnonzero(hidden[:, column])
        own = truth.entries[name][rows]
        table: dict[str, object] = {
            "place": rows, "patient_id": truth.patient[rows], "modality": name,
        }  # fmt: skip
        for way, values in said.items():
            table[f"{ERROR}{way}"] = _mean((own - values[name][rows]) ** 2)
            table[f"{COSINE}{way}"] = _cosine(own - centre[name], values[name][rows] - centre[name])
        gap = np.abs(own - said[OURS][name][rows])
        for level in LEVELS:
            inside = gap <= normal_reach(level) * sd[name][rows]
            table[f"{COVERED}{level:g}"] = _mean(np.where(np.isfinite(own), inside, np.nan))
        table[WIDTH] = sd[name][rows].mean(axis=1)
        parts.append(pd.DataFrame(table))
    return pd.concat(parts, ignore_index=True)


def _mean(values: Floats) -> Floats:
    """Return `[n]` mean over entries that are known; NaN where none is."""
    known = np.isfinite(values)
    total, count = np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _cosine(truth: Floats, imputed: Floats) -> Floats:
    """Return `[n]` over known entries; NaN where either side has no length."""
    known = np.isfinite(truth)
    one, other = np.where(known, truth, 0.0), np.where(known, imputed, 0.0)
    length = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    # Rounding leaves the mean a length of some 1e-15 from itself.
    there = length > 1e-9
    return np.where(there, (one * other).sum(axis=1) / np.where(there, length, 1.0), np.nan)
