"""Where each lead stands on ECG paper: rows of cells, as a recorder prints them.

Scale and the 3 x 4 arrangement: Kligfield et al. 2007, Recommendations for the standardization and
interpretation of the electrocardiogram, part I, Circulation 115:1306.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from components.core.signals.leads import LEADS12, LIMB, limb_shares

Floats = npt.NDArray[np.float64]
Arrangement = Literal["auto", "standard", "stacked", "columns"]
MM_PER_S, MM_PER_MV = 25, 10
# A cell of the standard arrangement, and its whole row.
COLUMN_S, ROW_S = 2.5, 10.0
RHYTHM = "II"
_COLUMNS = 4


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A stretch of one lead.

    Attributes:
        lead: its name.
        at_s: where on the row it begins, in seconds of paper.
        start_s: where in the recording it begins.
        seconds: its length.
    """

    lead: str
    at_s: float
    start_s: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """The part of a recording that holds anything, in seconds from its first sample."""

    start_s: float
    seconds: float


def standard(leads: Sequence[str]) -> bool:
    """Return whether the leads give all twelve: two limb leads and the six chest leads."""
    limb = sum(lead in LIMB for lead in leads)
    return limb >= 2 and {f"V{n}" for n in range(1, 7)} <= set(leads)


def arranged(
    leads: Sequence[str], stretch: Stretch, *, arrangement: Arrangement, seconds: float
) -> tuple[tuple[Cell, ...], ...]:
    """Return the rows from top to bottom.

    Args:
        leads: of the recording; `standard` adds the limb leads that follow from two of them.
        stretch: the part that can be drawn.
        arrangement: `standard` 3 x 4 cells of 2.5 s over a rhythm strip, `columns` the same
            without a strip and with the recording's own leads, `stacked` one lead a row; `auto`
            is `standard` where all twelve leads can be had, else `stacked`.
        seconds: longest row of `stacked`.
    """
    if arrangement == "auto":
        arrangement = "standard" if standard(leads) else "stacked"
    if arrangement == "stacked":
        shown = min(seconds, stretch.seconds)
        return tuple((_cell(lead, stretch, shown),) for lead in leads)
    names = LEADS12 if arrangement == "standard" else tuple(leads)
    rows = _columns(names, stretch)
    if arrangement == "columns":
        return rows
    return (*rows, (_cell(RHYTHM, stretch, min(ROW_S, stretch.seconds)),))


def _columns(names: Sequence[str], stretch: Stretch) -> tuple[tuple[Cell, ...], ...]:
    """Return columns that follow each other in time where the recording lasts; else all at once."""
    deep = math.ceil(len(names) / _COLUMNS)
    # A recorder's ten seconds are at times a few samples short.
    lasting = stretch.seconds > ROW_S - 0.1
    found: list[list[Cell]] = [[] for _ in range(deep)]
    for place, lead in enumerate(names):
        column, row = divmod(place, deep)
        start = stretch.start_s + (column * COLUMN_S if lasting else 0.0)
        found[row].append(Cell(lead=lead, at_s=column * COLUMN_S, start_s=start,
                               seconds=min(COLUMN_S, stretch.seconds)))  # fmt: skip
    return tuple(tuple(row) for row in found)


def _cell(lead: str, stretch: Stretch, seconds: float) -> Cell:
    return Cell(lead=lead, at_s=0.0, start_s=stretch.start_s, seconds=seconds)


def stretch_of(signals: Floats, fs: float) -> Stretch:
    """Return from the first to the last sample that any lead has, of `[K, L]` with NaN for none."""
    there = np.flatnonzero(np.isfinite(signals).any(0))
    if not there.size:
        return Stretch(start_s=0.0, seconds=signals.shape[1] / fs)
    first, last = int(there[0]), int(there[-1])
    return Stretch(start_s=first / fs, seconds=(last + 1 - first) / fs)


def traces(signals: Floats, leads: Sequence[str]) -> dict[str, Floats]:
    """Return lead → `[L]` mV of the recorded leads and the limb leads that two of them give.

    Each is centred on its median, where a pen stands between beats.
    """
    found = {
        lead: row - np.nanmedian(row)
        for lead, row in zip(leads, signals, strict=True)
        if np.isfinite(row).any()
    }
    limb = [lead for lead in found if lead in LIMB][:2]
    if len(limb) == 2:
        for lead in LIMB:
            if lead not in leads:
                a, b = limb_shares(limb[0], limb[1], lead)
                found[lead] = a * found[limb[0]] + b * found[limb[1]]
    return found


def piece(values: npt.NDArray[Any], cell: Cell, fs: float) -> npt.NDArray[Any]:
    """Return the samples of a cell, of `[L]`."""
    start = round(cell.start_s * fs)
    return values[start : start + max(1, round(cell.seconds * fs))]
