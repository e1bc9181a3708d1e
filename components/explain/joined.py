"""Attributions of several lots of records, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from components.core.attribution.groups import Grouped
from components.core.errors import CardioError
from components.explain.aligned import aligned, union
from components.explain.method import Attributed


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
        values={key: np.concatenate([p.values[key] for p in parts]) for key in first.values},
        error=np.concatenate(errors) if errors else None,
        words=None if first.words is None else tuple(words),
    )


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
