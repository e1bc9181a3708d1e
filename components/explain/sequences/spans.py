"""Windows of the time before the prediction, into which events of any number are sorted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.core.attribution.event_groups import EDGES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def span_of(hours: npt.ArrayLike) -> Ints:
    """Return `[S]` place in `event_groups.WINDOWS` of each event; a window holds its first hour.

    Args:
        hours: `[S]` from each event to the prediction.

    >>> span_of([0.5, 1.0, 700.0]).tolist()
    [0, 1, 6]
    """
    return np.searchsorted(EDGES, np.asarray(hours, np.float64), side="right").astype(np.int64)


def members(groups: npt.ArrayLike, count: int) -> Floats:
    """Return `[S, count]` 1 where an event is of a group, else 0."""
    return (np.asarray(groups)[:, None] == np.arange(count)).astype(np.float64)


def sums(values: Floats, groups: npt.ArrayLike, count: int) -> Floats:
    """Return `[..., count]` sums of `[..., S]` over the events of each group; 0 of an empty one."""
    return values @ members(groups, count)


def there(groups: npt.ArrayLike, count: int) -> npt.NDArray[np.bool_]:
    """Return `[count]` whether any event is of each group."""
    return np.isin(np.arange(count), groups)


def between(attention: Floats, groups: npt.ArrayLike, count: int) -> Floats:
    """Return how much of its attention an event of one group gives to each group.

    Args:
        attention: `[..., S, S]` from (second last axis) and to; rows sum to 1.
        groups: `[S]` of each event.
        count: of groups.

    Returns:
        `[..., count, count]` mean over the events of a row's group, summed over those of a
        column's: rows sum to 1; NaN in the rows of groups without any event.
    """
    own = members(groups, count)
    size = own.sum(axis=0)[:, None]
    taken = own.T @ (attention @ own)
    return np.divide(taken, size, out=np.full(taken.shape, np.nan), where=size > 0)
