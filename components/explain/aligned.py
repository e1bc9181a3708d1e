"""Groups of several folds under one set of names.

Each fold's encoders are fitted on its own patients: a column that is constant there drops out, so
folds need not have the same variables.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def union(names: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return every name once, in the order of its first place.

    >>> union([("age", "sex"), ("age", "bmi")])
    ('age', 'sex', 'bmi')
    """
    return tuple(dict.fromkeys(name for own in names for name in own))


def aligned(values: Floats, names: tuple[str, ...], wanted: tuple[str, ...]) -> Floats:
    """Return `[…, W]` of `[…, G]` under other names, NaN for a name that is not there."""
    if names == wanted:
        return values
    place = {name: number for number, name in enumerate(wanted)}
    found = np.full((*values.shape[:-1], len(wanted)), np.nan)
    found[..., [place[name] for name in names]] = values
    return found
