"""The one in-memory form of a multi-lead signal, as every reader returns it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


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
    """

    values: npt.NDArray[np.generic]
    fs: float
    leads: tuple[str, ...]
    unit: str
    lsb: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]
    meta: dict[str, str | float] = field(default_factory=dict[str, str | float])

    def physical(self) -> npt.NDArray[np.float32]:
        """Return `[leads, samples]` float32 in `unit`; NaN where the file says "no value"."""
        scaled = self.values.astype(np.float32) * self.lsb[:, None].astype(np.float32)
        return (scaled + self.offset[:, None].astype(np.float32)).astype(np.float32)

    @property
    def samples(self) -> int:
        """Return the number of samples per lead."""
        return int(self.values.shape[1])

    @property
    def duration_s(self) -> float:
        """Return the length in seconds."""
        return self.samples / self.fs
