"""Clinical variables: each dot a record, its attribution across, its value as colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from components.core.attribution.groups import Grouped
from components.core.errors import InputError
from components.core.report.palette import BLACK, GREY
from components.core.report.section import Plot
from components.core.report.style import STYLE, render

Floats = npt.NDArray[np.float64]
# As many variables as a page can show.
MOST = 15
# More dots than this hide each other and swell the page.
MOST_DOTS = 500
# Inches per variable, and for title, axis and legend; dots lie within 0.4 of their line.
_ROW, _FRAME, _REACH = 0.42, 1.7, 0.4
# Dots this near, as a share of the axis, lie above each other instead of over each other.
_BINS = 90
# One outlier does not take the colours of all others.
_LOW, _HIGH = 5.0, 95.0
# Points across a dot.
_DOT = 4.0
# Viridis without its yellow, which white paper swallows; an odd number has a middle.
STEPS = 9
COLOURS: Colormap = ListedColormap(mpl.colormaps["viridis"](np.linspace(0.0, 0.88, STEPS)))


@mpl.rc_context(STYLE)
def beeswarm(grouped: Grouped, values: pd.DataFrame, *, name: str, event: str) -> Plot:
    """Return the variables from the largest mean magnitude downwards, `MOST` at most.

    Args:
        grouped: `n` records, of kind `variable`.
        values: `[n]` rows with a column for each of its names; missing values are grey, and those
            that are no number have no colour.
        name: of the picture.
        event: what the log-odds are of.

    Raises:
        InputError: a variable has no column, or the rows differ in number.
    """
    _check(grouped, values)
    order = ranked(grouped.values)[:MOST]
    figure = Figure(figsize=(9.4, _FRAME + _ROW * len(order)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(0, color=BLACK, lw=0.8)
    found, total = np.asarray(grouped.values), len(values)
    some = np.unique(np.linspace(0, total - 1, min(total, MOST_DOTS)).astype(np.int64))
    shown = found[:, order]
    bound = float(np.nanmax(np.abs(shown))) if np.isfinite(shown).any() else 0.0
    for place, column in enumerate(order):
        own = values[grouped.names[column]]
        _draw(axes, found[some, column], _levels_of(own, some), place=-place, bound=bound)
    labels = [grouped.names[column] for column in order]
    axes.set_yticks([-place for place in range(len(order))], labels, parse_math=False)
    of = f" ({some.size:,} of {total:,})" if some.size < total else ""
    axes.set_title(f"Clinical variables: each dot a record{of}")
    axes.set_xlabel(f"log-odds: against {event} < 0 < towards", parse_math=False)
    axes.set_xlim(-1.05 * (bound or 1.0), 1.05 * (bound or 1.0))
    axes.set_ylim(0.6 - max(len(order), 1), 0.6)
    axes.grid(visible=False, axis="y")
    _legend(figure)
    alt = f"Attribution of clinical variables, the largest first: {', '.join(labels)}."
    return Plot(name=name, svg=render(figure).decode(), alt=alt, wide=True)


def ranked(values: Floats) -> list[int]:
    """Return the columns of `[n, F]` that have any value, the largest mean magnitude first."""
    there = np.isfinite(values)
    count = there.sum(0)
    size = np.where(there, np.abs(values), 0.0).sum(0) / np.maximum(count, 1)
    return [int(k) for k in np.argsort(-size, kind="stable") if count[k]]


def levels(values: pd.Series[Any]) -> Floats | None:
    """Return `[n]` 0 (low) to 1 (high), NaN for a missing value; None for no numbers."""
    if not pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return None
    own = values.astype("Float64").to_numpy(np.float64, na_value=np.nan)
    there = own[np.isfinite(own)]
    if not there.size:
        return np.full(own.shape, np.nan)
    low, high = np.percentile(there, [_LOW, _HIGH])
    if high <= low:
        low, high = there.min(), there.max()
    if high <= low:
        return np.where(np.isfinite(own), 0.5, np.nan)
    return np.clip((own - low) / (high - low), 0.0, 1.0)


def spread(x: Floats, bound: float) -> Floats:
    """Return `[n]` heights between −0.4 and 0.4, so that dots of like attribution stand apart.

    Args:
        x: `[n]` attributions.
        bound: largest magnitude on the axis.
    """
    bins = np.rint(x / (2 * bound or 1.0) * _BINS).astype(np.int64)
    _, own, counts = np.unique(bins, return_inverse=True, return_counts=True)
    order = np.argsort(own, kind="stable")
    starts = np.cumsum(counts) - counts
    rank = np.empty(x.size, np.int64)
    rank[order] = np.arange(x.size) - np.repeat(starts, counts)
    # 0, 1, −1, 2, −2, …: from the line outwards on both sides.
    height = np.where(rank % 2, (rank + 1) // 2, -(rank // 2))
    return height / max(int(np.abs(height).max(initial=0)), 5) * _REACH


def _check(grouped: Grouped, values: pd.DataFrame) -> None:
    absent = [name for name in grouped.names if name not in values.columns]
    if absent:
        raise InputError(f"the variable '{absent[0]}' has no column of values; give the table that "
                         "the attributions were made from")  # fmt: skip
    if len(values) != len(grouped.values):
        raise InputError(f"there are {len(grouped.values)} attributed records and {len(values)} "
                         "rows of values; give one row per record")  # fmt: skip


def _levels_of(values: pd.Series[Any], rows: npt.NDArray[np.int64]) -> Floats | None:
    """Return the levels of some rows, low and high being those of all."""
    found = levels(values)
    return None if found is None else found[rows]


def _draw(axes: Axes, x: Floats, found: Floats | None, *, place: int, bound: float) -> None:
    there = np.isfinite(x)
    own, heights = x[there], place + spread(x[there], bound)
    if found is None:
        _dots(axes, own, heights, colour=BLACK, cap="projecting")
        return
    step = np.rint(found[there] * (STEPS - 1))
    _dots(axes, own[np.isnan(step)], heights[np.isnan(step)], colour=GREY)
    for k in range(STEPS):
        _dots(axes, own[step == k], heights[step == k], colour=_colour(k / (STEPS - 1)))


def _dots(
    axes: Axes, x: Floats, y: Floats, *, colour: str, cap: Literal["round", "projecting"] = "round"
) -> None:
    """Draw dots as the caps of lines without length: a third of the bytes of a marker each."""
    vertices = np.repeat(np.stack([x, y], axis=1), 2, axis=0)
    path = Path(vertices, np.tile([Path.MOVETO, Path.CLOSEPOLY], x.size))
    axes.add_patch(PathPatch(path, fill=False, ec=colour, lw=_DOT, capstyle=cap, zorder=3))


def _colour(level: float) -> str:
    return to_hex(COLOURS(level))


def _legend(figure: Figure) -> None:
    entries: Sequence[tuple[str, str, str]] = (
        (_colour(0.0), "o", "low value"),
        (_colour(0.5), "o", "middle"),
        (_colour(1.0), "o", "high value"),
        (GREY, "o", "missing"),
        (BLACK, "s", "category"),
    )
    handles = [
        Line2D([], [], ls="", marker=mark, color=colour, label=label)
        for colour, mark, label in entries
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
