"""Traces as SVG paths, and attribution along them as coloured ones.

Lengths on the sheet are whole `UNITS` to the millimetre, so that paths are short.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from components.core.report.ecg_layout import MM_PER_MV, MM_PER_S, Floats

Ints = npt.NDArray[np.int64]
# 1/20 mm is a fifth of the trace's width.
UNITS = 20
X_UNITS, Y_UNITS = MM_PER_S * UNITS, MM_PER_MV * UNITS
# 0.15 mm, a dot of 170 dpi: the lowest and the highest sample of such a stretch are all that shows.
TRACE_BIN = 3
# 0.25 mm: colour lies under the trace, three to eight times as wide.
COLOUR_BIN = 5
# Attribution is shown as its sum over one small square of the paper.
WINDOW_S = 0.04
# Shades on each side of 0; below half a shade nothing is drawn.
SHADES = 5
# Colour is full from here on, so that one spike does not pale the rest.
_LIMIT_PERCENTILE = 99.0
# No amplifier goes further; keeps absurd values inside whole numbers.
_MOST_MV = 100.0


def thinned(x: Floats, y: Floats, bin_units: int) -> Ints:
    """Return which points to keep: lowest and highest of each bin, first and last of all.

    Args:
        x: `[n]` in units, ascending; one at least.
        y: `[n]` in units.
        bin_units: width of a bin.
    """
    bins = np.floor(x / bin_units)
    order = np.lexsort((y, bins))
    edge = np.flatnonzero(np.diff(bins[order])) + 1
    low, high = np.r_[0, edge], np.r_[edge - 1, x.size - 1]
    return np.unique(np.r_[0, order[low], order[high], x.size - 1])


def placed(values: Floats, fs: float) -> tuple[Floats, Floats]:
    """Return `[n]` x (rightwards) and y (downwards) in units of `[n]` mV; NaN stays NaN."""
    x = np.arange(values.size) / fs * X_UNITS
    return x, -np.clip(values, -_MOST_MV, _MOST_MV) * Y_UNITS


def runs(there: npt.NDArray[np.bool_]) -> Iterator[slice]:
    """Yield the unbroken stretches of True."""
    edges = np.flatnonzero(np.diff(np.r_[False, there, False]))
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield slice(start, stop)


def path(x: Floats, y: Floats) -> str:
    """Return one polyline through `[n]` points, rounded to whole units."""
    points = np.rint(np.stack([x, y], axis=1)).astype(np.int64)
    steps = np.diff(points, axis=0)
    steps = steps[(steps != 0).any(1)]
    body = "".join(f"{dx} {dy} " if dy >= 0 else f"{dx}{dy} " for dx, dy in steps.tolist())
    return f"M{points[0, 0]} {points[0, 1]}l{body or '0 0 '}".rstrip()


def trace(values: Floats, fs: float) -> str:
    """Return the path of `[n]` mV from x = 0 about y = 0, broken where there is no value."""
    x, y = placed(values, fs)
    found: list[str] = []
    for run in runs(np.isfinite(values)):
        keep = thinned(x[run], y[run], TRACE_BIN)
        found.append(path(x[run][keep], y[run][keep]))
    return "".join(found)


def smoothed(attribution: Floats, fs: float) -> Floats:
    """Return `[..., L]` log-odds per 40 ms: sums of `[..., L]` log-odds per sample about each one.

    NaN counts as 0. A window is a whole number of samples, its sum brought to 40 ms.
    """
    width = max(1, round(WINDOW_S * fs))
    kernel = np.full(width, WINDOW_S * fs / width)
    flat = np.nan_to_num(attribution).reshape(-1, attribution.shape[-1])
    half = width // 2
    rows = [np.convolve(row, kernel)[half : half + row.size] for row in flat]
    return np.asarray(rows, np.float64).reshape(attribution.shape)


def limit_of(attribution: Floats, fs: float) -> float:
    """Return the log-odds per 40 ms at which colour is full: 99th percentile of the magnitude.

    Args:
        attribution: `[..., L]` log-odds per sample of one record or several on one scale.
        fs: in Hz.
    """
    size = np.abs(smoothed(attribution, fs))
    return float(np.percentile(size, _LIMIT_PERCENTILE)) if size.size else 0.0


def shades(values: Floats, limit: float) -> Ints:
    """Return −`SHADES` (against) … `SHADES` (towards) of each value; all 0 where `limit` is 0."""
    if limit <= 0:
        return np.zeros(values.shape, np.int64)
    return np.rint(np.clip(values / limit, -1, 1) * SHADES).astype(np.int64)


def coloured(values: Floats, shade: Ints, fs: float) -> dict[int, str]:
    """Return shade → path of the trace where it has that shade; shade 0 is left out.

    Args:
        values: `[n]` mV.
        shade: `[n]` of each sample.
        fs: in Hz.
    """
    x, y = placed(values, fs)
    found: dict[int, str] = {}
    for run in runs(np.isfinite(values)):
        keep = run.start + thinned(x[run], y[run], COLOUR_BIN)
        own = shade[keep]
        edges = np.r_[0, np.flatnonzero(np.diff(own)) + 1, own.size]
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            if own[start]:
                # One point further, so that neighbouring colours touch.
                part = keep[start : stop + 1]
                key = int(own[start])
                found[key] = found.get(key, "") + path(x[part], y[part])
    return found
