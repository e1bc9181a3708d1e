"""How much two explanations of the same records agree."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]
# A rank correlation of fewer groups says nothing: of four, one order in 24 agrees by chance.
FEWEST = 5


def spearman(first: Floats, second: Floats) -> Floats:
    """Return `[n]` rank correlation over groups of two `[n, G]`, record by record.

    Spearman (1904), ties at their mean rank. NaN where fewer than `FEWEST` groups are in both, or
    one side is the same everywhere.
    """
    pairs = zip(first, second, strict=True)
    return np.array([_one(a, b) for a, b in pairs], dtype=np.float64)


def _one(first: Floats, second: Floats) -> float:
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < FEWEST:
        return float("nan")
    a, b = (np.asarray(rankdata(side[both]), np.float64) for side in (first, second))
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else float("nan")


def row_mean(values: Floats) -> Floats:
    """Return the mean over the first axis, NaN ones left out; NaN where all are."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
