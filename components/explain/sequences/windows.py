"""Critical time windows: hours that hold more than a share of the attribution, neighbours joined.

Letters: `n` records, `S` events of one, `W` windows of equal width, the newest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Window:
    """Neighbouring windows as one.

    Attributes:
        first: the newest window in it.
        last: the oldest window in it.
        width: of a single one, in hours.
    """

    first: int
    last: int
    width: float

    @property
    def words(self) -> str:
        """Return which hours before the prediction it holds."""
        return f"{self.first * self.width:g}–{(self.last + 1) * self.width:g} h"

    def holds(self, window: Ints) -> Flags:
        """Return `[S]` whether events of the numbered windows lie in it."""
        return (window >= self.first) & (window <= self.last)

    def share(self, shares: Floats) -> Floats:
        """Return `[n]` share in it of shares `[n, W]`."""
        return shares[:, self.first : self.last + 1].sum(axis=1)


def window_of(hours: npt.ArrayLike, width: float) -> Ints:
    """Return `[S]` number of the window of each event: 0 is the newest, and what comes after it.

    >>> window_of([0.0, 1.99, 2.0], 2.0).tolist()
    [0, 0, 1]
    """
    ago = np.maximum(np.asarray(hours, np.float64), 0.0)
    return np.floor_divide(ago, width).astype(np.int64)


def window_shares(values: Sequence[Floats], windows: Sequence[Ints]) -> Floats:
    """Return `[n, W]` share of each record's |attribution| in each window.

    Args:
        values: of each record `[S]` attributions of its events.
        windows: of each record `[S]`.

    Returns:
        Rows that sum to 1; NaN all along of a record without events or with nothing attributed.
    """
    last = max((int(own.max()) for own in windows if own.size), default=-1)
    rows = [_row(np.abs(own), at, last + 1) for own, at in zip(values, windows, strict=True)]
    return np.stack(rows) if rows else np.zeros((0, last + 1))


def critical(shares: Floats, *, threshold: float, width: float) -> list[Window]:
    """Return the windows whose mean share reaches the threshold, the newest first.

    Args:
        shares: `[n, W]`; rows of NaN are left out.
        threshold: least mean share of a window by itself.
        width: of a window in hours.
    """
    known = shares[np.isfinite(shares).all(axis=1)]
    if not len(known):
        return []
    chosen = np.flatnonzero(known.mean(axis=0) >= threshold)
    runs = np.split(chosen, np.flatnonzero(np.diff(chosen) > 1) + 1)
    return [Window(int(run[0]), int(run[-1]), width) for run in runs if run.size]


def _row(size: Floats, at: Ints, count: int) -> Floats:
    whole = size.sum()
    if not whole > 0:
        return np.full(count, np.nan)
    return np.bincount(at, weights=size, minlength=count) / whole
