"""Mean and median of rows to NumPy's own bit, at a fraction of its price for short ones."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Float = TypeVar("Float", np.float32, np.float64)


def centred(x: npt.NDArray[Float]) -> npt.NDArray[Float]:
    """Return `x` `[..., n]` less the mean of each row; n is one or more."""
    total = np.add.reduce(x, axis=-1, keepdims=True)
    total /= x.dtype.type(x.shape[-1])
    return x - total


def median(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the median of each row of `x` `[..., n]`, NaN where it holds one; n is one or more."""
    # NumPy sorts short rows in vector registers, but selects from them one by one.
    ordered = np.sort(x, axis=-1)
    count = x.shape[-1]
    middle = ordered[..., count // 2]
    if count % 2 == 0:
        middle = (ordered[..., count // 2 - 1] + middle) / np.float32(2)
    missing = np.isnan(ordered[..., -1])
    return np.where(missing, np.float32(np.nan), middle) if missing.any() else middle
