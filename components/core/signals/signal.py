"""The one in-memory form of a multi-lead signal, as every reader returns it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

# A baseline that lies this near to a whole count is one; the rest is float64 rounding.
_WHOLE = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class Signal:
    """A multi-lead recording as it stands in its file, with what is needed to make it physical.

    Attributes:
        values: `[leads, samples]`, int16 where the device gave integers, float16/float32 otherwise.
        fs: sampling rate in Hz.
        leads: canonical lead names in the order of `values`' rows.
        unit: `mV`, or `z` for a dimensionless signal that was standardised before it came here.
        lsb: `[leads]` float64, physical units per count (ones for float values).
        offset: `[leads]` float64, physical value of count 0: physical = values * lsb + offset.
        meta: de-identified facts from the file, allowed keys only (`age` in years, `sex`).
        no_value: the count by which an integer format says "no sample here"; None without one.
    """

    values: npt.NDArray[np.generic]
    fs: float
    leads: tuple[str, ...]
    unit: str
    lsb: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]
    meta: dict[str, str | float] = field(default_factory=dict[str, str | float])
    no_value: int | None = None

    @property
    def is_integer(self) -> bool:
        """Return whether the values are the device's own counts."""
        return np.issubdtype(self.values.dtype, np.integer)

    def physical(self, rows: Sequence[int] | None = None) -> npt.NDArray[np.float32]:
        """Return `[leads, samples]` float32 in `unit`; NaN where the file says "no value".

        Args:
            rows: the rows wanted, in this order; all when None.
        """
        picked = slice(None) if rows is None else list(rows)
        values, lsb, offset = self.values[picked], self.lsb[picked], self.offset[picked]
        scaled = values.astype(np.float32)
        if not self.is_integer:
            return scaled * lsb[:, None].astype(np.float32) + offset[:, None].astype(np.float32)
        # Subtracting the baseline as counts keeps every value an exact multiple of the gain.
        scaled -= _baseline(lsb, offset)[:, None]
        scaled *= lsb[:, None].astype(np.float32)
        if self.no_value is not None:
            np.putmask(scaled, values == self.no_value, np.nan)
        return scaled

    @property
    def samples(self) -> int:
        """Return the number of samples per lead."""
        return int(self.values.shape[1])

    @property
    def duration_s(self) -> float:
        """Return the length in seconds."""
        return self.samples / self.fs


def _baseline(
    lsb: npt.NDArray[np.float64], offset: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Return the count at physical zero, whole where the file's own baseline was whole."""
    exact = -offset / lsb
    whole = np.rint(exact)
    return np.where(np.abs(exact - whole) < _WHOLE, whole, exact).astype(np.float32)
