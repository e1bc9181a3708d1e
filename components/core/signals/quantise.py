"""Prepared leads as int16: half the bytes of float32, and the device's own counts where known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.core.signals.prepare import Prepared

_INT16 = 32_767
# float32 keeps 24 bits, so a count up to 32,767 comes back from value / gain within 0.006.
_WHOLE = 0.01


def quantise(prepared: Prepared) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.float32]]:
    """Return int16 counts `[leads, L]` and the float32 scale `[leads]`: values = counts · scale.

    Lossless to the bit where the values still are the device's own counts (int16 source, same
    rate, lead not derived); else the scale is the lead's largest magnitude / 32767.
    """
    values, lsb = prepared.values, prepared.lsb
    peak = np.abs(values).max(axis=1)
    scale = np.where(peak > 0, peak / np.float32(_INT16), np.float32(1)).astype(np.float32)
    own = np.isfinite(lsb) & (peak <= np.float32(_INT16) * np.nan_to_num(lsb))
    scale = np.where(own, lsb, scale)
    exact = values / scale[:, None]
    counts = np.rint(exact).astype(np.int16)
    # Values that were changed after `prepare` are no whole counts: refuse to round them off.
    exact -= counts
    if own.any() and float(np.abs(exact, out=exact).max(axis=1)[own].max()) > _WHOLE:
        raise ValueError("values are not whole counts of lsb: they were changed after prepare()")
    return counts, scale
