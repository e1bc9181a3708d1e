"""Fixed length: centre crop or symmetric zero padding, with the interval that is real."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def fit_length(x: npt.NDArray[np.float32], length: int) -> tuple[npt.NDArray[np.float32], int, int]:
    """Return `x` `[..., T]` as `[..., length]` and the interval `[start, stop)` that is real.

    Longer input loses the same number of samples at both ends (one more at the end when odd);
    shorter input gets zeros at both ends (one more at the end when odd).

    Raises:
        ValueError: `length` is not positive.
    """
    if length < 1:
        raise ValueError(f"length must be at least 1, not {length}")
    surplus = x.shape[-1] - length
    if surplus >= 0:
        first = surplus // 2
        return x[..., first : first + length], 0, length
    start = -surplus // 2
    stop = start + x.shape[-1]
    fitted = np.zeros((*x.shape[:-1], length), x.dtype)
    fitted[..., start:stop] = x
    return fitted, start, stop
