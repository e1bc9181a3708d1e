"""Attributions of several lots of records, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from components.core.attribution.groups import Grouped
from components.core.errors import CardioError
from components.explain.method import Attributed


def joined(parts: Sequence[Attributed]) -> Attributed:
    """Return what a method says of all records, in the order of the parts.

    Raises:
        CardioError: there is no part, so that nobody knows which groups there are.
    """
    if not parts:
        raise CardioError("no record was handed to a method of explanation; hand on one or more")
    first = parts[0]
    errors = [part.error for part in parts if part.error is not None]
    words = [own for part in parts for own in part.words or ()]
    return replace(
        first,
        grouped={kind: _grouped([p.grouped[kind] for p in parts]) for kind in first.grouped},
        values={key: np.concatenate([p.values[key] for p in parts]) for key in first.values},
        error=np.concatenate(errors) if errors else None,
        words=None if first.words is None else tuple(words),
    )


def _grouped(parts: Sequence[Grouped]) -> Grouped:
    return replace(parts[0], values=np.concatenate([part.values for part in parts]))
