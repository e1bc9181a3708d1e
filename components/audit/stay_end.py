"""How closely something follows when a stay ends, which nobody knows at the prediction.

A stay has two ends: it leaves the unit, and the patient leaves the hospital or dies there. They
differ (Spearman's correlation 0.63 in MIMIC-IV's demo), so that both are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.schemas import STAY_ENDS

Floats = npt.NDArray[np.floating[Any]]
SPOKEN = {"stay_end_days": "stay", "admission_end_days": "hospital admission"}
# Fewer stays with a known end follow anything by chance.
FEWEST = 20
# More levels than this, or than one in so many records, fit any end by themselves.
_FEW_LEVELS, _PER_LEVEL = 10, 20


@dataclass(frozen=True, kw_only=True)
class Tie:
    """How something follows an end.

    Attributes:
        name: of what does.
        end: column of the end that it follows most closely.
        strength: in [0, 1]; 1 tells the end.
        records: with both known.
    """

    name: str
    end: str
    strength: float
    records: int


def known_ends(frame: pd.DataFrame) -> list[str]:
    """Return the columns of ends that enough records know."""
    return [name for name in STAY_ENDS if name in frame and frame[name].notna().sum() >= FEWEST]


def ties(frame: pd.DataFrame, columns: pd.DataFrame) -> list[Tie]:
    """Return what follows an end, the closest first; nothing where no end is known.

    Numbers are compared by Spearman's correlation, whatever its sign. What has few levels, numbers
    or not, is compared by them, a gap being one more: the share of the variance of the ends' ranks
    between levels, adjusted for their number (Kelley's epsilon², 1935), as its square root.

    Args:
        frame: manifest rows `[N]` with the ends.
        columns: `[N, C]` what is compared, numbers or texts.
    """
    found: list[Tie] = []
    for name in columns:
        of_ends = [_tie(str(name), columns[name], frame[end], end) for end in known_ends(frame)]
        found += [max(of_ends, key=lambda tie: tie.strength)] if of_ends else []
    return sorted(found, key=lambda tie: -tie.strength)


def _tie(name: str, values: pd.Series, end: pd.Series, column: str) -> Tie:
    known = end.notna()
    rank = end[known].rank().to_numpy(np.float64)
    strength = max(_strengths(values[known], rank))
    both = int((values.notna() & known).sum())
    return Tie(name=name, end=column, strength=strength, records=both)


def _strengths(values: pd.Series, rank: Floats) -> Iterator[float]:
    if values.nunique() <= max(_FEW_LEVELS, len(values) // _PER_LEVEL):
        yield _by_level(values, rank)
    there = values.notna().to_numpy(np.bool_)
    if pd.api.types.is_numeric_dtype(values) and there.sum() >= FEWEST:
        own = values[there].rank().to_numpy(np.float64)
        yield _correlation(own, pd.Series(rank[there]).rank().to_numpy(np.float64))
    yield 0.0


def _correlation(one: Floats, two: Floats) -> float:
    if one.std() == 0 or two.std() == 0:
        return 0.0
    return float(abs(np.corrcoef(one, two)[0, 1]))


def _by_level(values: pd.Series, rank: Floats) -> float:
    level = pd.Series(pd.factorize(values, use_na_sentinel=False)[0])
    ranks, levels = pd.Series(rank), level.nunique()
    within = float(((ranks - ranks.groupby(level).transform("mean")) ** 2).sum())
    total = float(((ranks - ranks.mean()) ** 2).sum())
    if total == 0 or len(ranks) <= levels:
        return 0.0
    explained = 1 - (within / (len(ranks) - levels)) / (total / (len(ranks) - 1))
    return float(np.sqrt(max(explained, 0.0)))
