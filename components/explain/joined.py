"""Attributions of several lots of records, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from components.core.attribution.groups import Grouped
from components.core.errors import CardioError
from components.explain.aligned import aligned, union
from components.explain.method import Attributed

# Axes of what is said of the events of several records, `[n, S]`; S differs from lot to lot.
_STEPS = 2


def joined(parts: Sequence[Attributed]) -> Attributed:
    """Return what a method says of all records, in the order of the parts.

    Groups are put together by name: a record has NaN for those that its own part lacks.

    Raises:
        CardioError: there is no part, so that nobody knows which groups there are.
    """
    if not parts:
        raise CardioError("no record was handed to a method of explanation; hand on one or more")
    first = parts[0]
    kinds = union([tuple(part.grouped) for part in parts])
    errors = [part.error for part in parts if part.error is not None]
    words = [own for part in parts for own in part.words or ()]
    return replace(
        first,
        grouped={kind: _grouped(kind, parts) for kind in kinds},
        values={key: _values([p.values[key] for p in parts]) for key in first.values},
        error=np.concatenate(errors) if errors else None,
        words=None if first.words is None else tuple(words),
    )


def _values(own: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Return the records of all parts, each padded with NaN to the longest sequence of them."""
    if own[0].ndim != _STEPS:
        return np.concatenate(own)
    longest = max(each.shape[1] for each in own)
    found = np.full((sum(map(len, own)), longest), np.float32(np.nan))
    ends = np.cumsum([len(each) for each in own]).tolist()
    for end, each in zip(ends, own, strict=True):
        found[end - len(each) : end, : each.shape[1]] = each
    return found


def _grouped(kind: str, parts: Sequence[Attributed]) -> Grouped:
    there = [part.grouped.get(kind) for part in parts]
    names = union([own.names for own in there if own is not None])
    values = [
        np.full((_records(part), len(names)), np.nan)
        if own is None
        else aligned(own.values, own.names, names)
        for part, own in zip(parts, there, strict=True)
    ]
    return Grouped(kind=kind, names=names, values=np.concatenate(values))


def _records(part: Attributed) -> int:
    """Return how many records a part speaks of."""
    sizes = [len(own.values) for own in part.grouped.values()]
    sizes += [len(own) for own in (part.error, part.words) if own is not None]
    return max(sizes, default=0)
