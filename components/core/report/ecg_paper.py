"""An ECG on paper as a cardiologist reads it, with attribution along the trace.

True to scale: 25 mm/s, 10 mm/mV, grid of 1 and 5 mm, calibration pulse of 1 mV (Kligfield et al.
2007, Circulation 115:1306). The picture is an SVG in millimetres without any library, so that
serving can draw it, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from pydantic import Field

from components.core.config.base import Frozen
from components.core.errors import InputError
from components.core.report import ecg_layout, ecg_legend
from components.core.report.ecg_layout import MM_PER_MV, ROW_S, Arrangement, Cell, Floats
from components.core.report.ecg_legend import Tints
from components.core.report.ecg_sheet import Sheet, cell_svg, row_svg, sheet_svg
from components.core.report.ecg_trace import limit_of, shades, smoothed

# Traces have at least 10 mm (the pulse's 1 mV) and at most 30 mm above and below their zero line,
# in whole squares of 5 mm: a taller one runs into its neighbour's, as on paper. Names stand above.
_LEAST_MM, _MOST_MM, _SQUARE_MM, _NAME_MM = 10, 30, 5, 5
# What may stick out of a row without making it taller: a spike of a few samples.
_SPIKE = 0.002


@dataclass(frozen=True, kw_only=True, eq=False)
class Tracing:
    """A recording and what a network makes of it.

    Attributes:
        signals: `[K, L]` mV; NaN where nothing was recorded (a missing lead, padding).
        leads: their canonical names.
        fs: in Hz.
        attribution: `[K, L]` log-odds of each sample; None draws the trace alone.
        segments: `[L]` index into `core.attribution.groups.SEGMENTS`; −1 all along a recording in
            which no beat was found; None does not speak of segments.
    """

    signals: npt.NDArray[np.floating]
    leads: tuple[str, ...]
    fs: float
    attribution: npt.NDArray[np.floating] | None = None
    segments: npt.NDArray[np.integer] | None = None


class Paper(Frozen):
    """How a recording is drawn.

    Attributes:
        arrangement: `standard` (3 x 4 and a rhythm strip), `stacked` (a row per lead), `columns`
            (cells of 2.5 s), `auto` (`standard` where twelve leads can be had, else `stacked`).
        seconds: longest row of `stacked`.
        limit: log-odds per 40 ms at which colour is full; None takes the record's own 99th
            percentile.
        shade: tint the segments of the beats.
        event: what the log-odds are of, for the legend.
    """

    arrangement: Arrangement = "auto"
    seconds: float = Field(default=ROW_S, gt=0, le=60)
    limit: float | None = Field(default=None, gt=0)
    shade: bool = False
    event: str = "the event"


def draw(
    tracing: Tracing, *, title: str, facts: Sequence[str] = (), paper: Paper | None = None
) -> str:
    """Return the sheet as SVG; the same input gives the same text.

    Args:
        tracing: the recording.
        title: head of the sheet: the record under its row number, never a patient's identifier.
        facts: lines below it, e.g. the risk and the attribution of each segment.
        paper: how it is drawn.

    Raises:
        InputError: arrays that do not fit together, infinite values, or no sampling rate.
    """
    _check(tracing)
    chosen = paper or Paper()
    signals = np.asarray(tracing.signals, np.float64)
    stretch = ecg_layout.stretch_of(signals, tracing.fs)
    rows = ecg_layout.arranged(
        tracing.leads, stretch, arrangement=chosen.arrangement, seconds=chosen.seconds
    )
    values = ecg_layout.traces(signals, tracing.leads)
    drawn = {cell.lead for row in rows for cell in row}
    tints = _tints(tracing, chosen)
    sheet = Sheet(
        heights=tuple(_reach(row, values, tracing.fs) for row in rows),
        head=(title, *facts),
        foot=ecg_legend.lines(
            tracing.leads, values, drawn, rows=rows, stretch=stretch, tints=tints,
            fs=tracing.fs,
        ),
    )  # fmt: skip
    body = [row_svg(sheet, number) for number in range(len(rows))]
    for number, row in enumerate(rows):
        body += [cell_svg(sheet, number, cell, values, fs=tracing.fs, tints=tints) for cell in row]
    return sheet_svg(sheet, body, tints, event=chosen.event)


def _check(tracing: Tracing) -> None:
    shape = tracing.signals.shape
    if len(shape) != 2 or shape[0] != len(tracing.leads) or not shape[1]:
        raise InputError(
            f"the signals have shape {shape} for {len(tracing.leads)} leads; give [leads, samples]"
        )
    if not math.isfinite(tracing.fs) or tracing.fs <= 0:
        raise InputError(f"the sampling rate is {tracing.fs} Hz; give one above 0")
    own = tracing.attribution
    if own is not None and own.shape != shape:
        raise InputError(f"the attribution has shape {own.shape}, the signals {shape}; give one "
                         "value per sample")  # fmt: skip
    if tracing.segments is not None and tracing.segments.shape != shape[1:]:
        raise InputError(f"the segments have shape {tracing.segments.shape} for {shape[1]} "
                         "samples; give one per sample")  # fmt: skip
    if np.isinf(tracing.signals).any() or (own is not None and np.isinf(own).any()):
        raise InputError("the signals or their attribution hold infinite values; give mV and "
                         "log-odds, NaN where nothing was recorded")  # fmt: skip


def _tints(tracing: Tracing, paper: Paper) -> Tints:
    segments = tracing.segments
    beats = segments is not None and bool((segments >= 0).any())
    plain = Tints(
        segments=segments if paper.shade and beats else None,
        beatless=segments is not None and not beats,
    )
    if tracing.attribution is None:
        return plain
    dense = np.nan_to_num(np.asarray(tracing.attribution, np.float64))
    # Missing leads have no attribution: their zeros would lower the limit.
    recorded = np.isfinite(tracing.signals).any(1)
    limit = paper.limit or limit_of(dense[recorded], tracing.fs)
    shade = shades(smoothed(dense, tracing.fs), limit)
    return replace(
        plain,
        shade=dict(zip(tracing.leads, shade, strict=True)),
        limit=limit,
        weight=dict(zip(tracing.leads, np.abs(dense), strict=True)),
    )


def _reach(row: Sequence[Cell], values: dict[str, Floats], fs: float) -> tuple[int, int]:
    """Return millimetres above and below the zero line of a row."""
    ups, downs = [0.0], [0.0]
    for cell in row:
        if cell.lead in values:
            own = ecg_layout.piece(values[cell.lead], cell, fs)
            own = own[np.isfinite(own)]
            if own.size:
                low, high = np.quantile(own, [_SPIKE, 1 - _SPIKE])
                ups.append(float(high) * MM_PER_MV)
                downs.append(-float(low) * MM_PER_MV)
    return _NAME_MM + _squares(max(ups)), _squares(max(downs))


def _squares(millimetres: float) -> int:
    whole = math.ceil(millimetres / _SQUARE_MM) * _SQUARE_MM
    return min(max(whole, _LEAST_MM), _MOST_MM)
