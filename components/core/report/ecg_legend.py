"""What stands below an ECG: scale, what is derived or missing, what the colours say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.report.ecg_layout import Cell, Floats, Stretch, piece

# Columns that start at the same moment are worth a word only where there are several.
_SCALE = "25 mm/s · 10 mm/mV · each lead about its median"


@dataclass(frozen=True, kw_only=True, eq=False)
class Tints:
    """Colour on the sheet.

    Attributes:
        shade: lead → `[L]` shade of each sample; None without attribution.
        limit: log-odds per 40 ms at which colour is full.
        weight: lead → `[L]` magnitude of the attribution.
        segments: `[L]` index into `SEGMENTS`, to be tinted; None without.
        beatless: no beat was found.
    """

    shade: Mapping[str, npt.NDArray[np.int64]] | None = None
    limit: float = 0.0
    weight: Mapping[str, Floats] | None = None
    segments: npt.NDArray[np.integer] | None = None
    beatless: bool = False


def lines(
    leads: Sequence[str],
    values: Mapping[str, Floats],
    drawn: set[str],
    *,
    rows: Sequence[Sequence[Cell]],
    stretch: Stretch,
    tints: Tints,
    fs: float,
) -> tuple[str, ...]:
    """Return the lines of text, most important first.

    Args:
        leads: of the recording.
        values: leads that can be drawn.
        drawn: leads that have a place on the sheet.
        rows: where they stand.
        stretch: the part that can be drawn.
        tints: colour on the sheet.
        fs: in Hz.
    """
    said = [f"{_SCALE}{_time(rows, stretch)}"]
    derived = [lead for lead in values if lead in drawn and lead not in leads]
    if derived:
        own = ", in black: they have no attribution of their own" if tints.shade else ""
        said.append(f"{', '.join(derived)} derived from two limb leads{own}.")
    if tints.beatless:
        said.append("No beat was found: explained without segments.")
    if tints.weight is not None:
        said.append(_share(rows, tints.weight, fs))
    return tuple(said)


def _time(rows: Sequence[Sequence[Cell]], stretch: Stretch) -> str:
    cells = [cell for row in rows for cell in row]
    columns = {cell.at_s for cell in cells}
    shown = max(cell.start_s + cell.seconds for cell in cells) - stretch.start_s
    text = ""
    if len(columns) > 1 and len({cell.start_s for cell in cells}) == 1:
        text += f" · all columns show the same {cells[0].seconds:.3g} s"
    # Less than a pixel's worth of time is not worth a word.
    if stretch.seconds - shown > 0.01:
        text += f" · first {shown:.3g} s of {stretch.seconds:.3g} s"
    return text


def _share(rows: Sequence[Sequence[Cell]], weight: Mapping[str, Floats], fs: float) -> str:
    """Return how much of the absolute attribution is on the sheet, each sample counted once."""
    seen = {lead: np.zeros(own.size, np.bool_) for lead, own in weight.items()}
    for cell in (cell for row in rows for cell in row if cell.lead in weight):
        piece(seen[cell.lead], cell, fs)[:] = True
    whole = sum(float(own.sum()) for own in weight.values())
    if whole <= 0:
        return "The attribution is 0 everywhere."
    part = sum(float(own[seen[lead]].sum()) for lead, own in weight.items())
    return f"On this sheet lies {part / whole:.0%} of the trace's absolute attribution."
