"""Groups of inputs that mean something to a reader, and attributions summed over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
# Parts of a beat as delineated; `rest` is what lies between beats (TP, and PQ between P and QRS).
SEGMENTS = ("P", "QRS", "ST", "T", "rest")
KINDS = ("lead_segment", "lead", "segment", "modality", "variable")


@dataclass(frozen=True, kw_only=True, eq=False)
class Grouped:
    """Attributions of groups, in log-odds.

    Attributes:
        kind: one of `KINDS`.
        names: `G` groups; of `lead_segment` as `V3 QRS`, leads in the task's order, each with all
            `SEGMENTS` in order.
        values: `[n, G]` signed; NaN where a record has no such group (a missing lead, no beat).
    """

    kind: str
    names: tuple[str, ...]
    values: Floats


def cell_names(leads: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of `lead_segment`: leads × segments, segments running fastest."""
    return tuple(f"{lead} {segment}" for lead in leads for segment in SEGMENTS)
