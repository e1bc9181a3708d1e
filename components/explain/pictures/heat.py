"""Mean attribution per lead and segment of the beat as two maps with values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from components.core.attribution.groups import SEGMENTS
from components.core.metrics.interval import number
from components.core.report.palette import AGAINST, TOWARDS
from components.core.report.section import Plot
from components.core.report.style import STYLE, render

Floats = npt.NDArray[np.float64]
# Of the rows and of the columns.
Names = tuple[Sequence[str], Sequence[str]]
SIGNED: Colormap = LinearSegmentedColormap.from_list("signed", [AGAINST, "#ffffff", TOWARDS])
SIZE: Colormap = LinearSegmentedColormap.from_list("size", ["#ffffff", "#4a4a4a"])
# A cell that no record has.
_NONE = "#ededed"
# Inches per lead, and for titles, segment names and scale.
_ROW, _FRAME = 0.36, 1.3
# Luminance below which black letters can no longer be read (WCAG's relative luminance).
_DARK = 0.35


@mpl.rc_context(STYLE)
def maps(
    signed: Floats,
    absolute: Floats,
    leads: Sequence[str],
    *,
    name: str,
    event: str,
    columns: Sequence[str] = SEGMENTS,
    cells: str = "lead and segment",
) -> Plot:
    """Return both maps, leads downwards and segments to the right.

    Args:
        signed: `[K, 5]` mean log-odds; NaN where no record has the cell.
        absolute: `[K, 5]` mean magnitude.
        leads: `K` names, or those of other rows.
        name: of the picture.
        event: what the log-odds are of.
        columns: names of the columns, where they are no segments.
        cells: what a cell is, for a reader who cannot see the map.
    """
    figure = Figure(figsize=(9.4, _FRAME + _ROW * len(leads)), layout="constrained")
    left, right = figure.subplots(1, 2)
    top = largest(signed)
    names = (leads, columns)
    draw_map(left, signed, names, colours=SIGNED, scale=Normalize(-top, top))
    draw_map(right, absolute, names, colours=SIZE, scale=Normalize(0, largest(absolute)))
    left.set_title(f"Mean log-odds (orange: towards {event})", parse_math=False)
    right.set_title("Mean magnitude, log-odds")
    alt = f"Mean attribution per {cells}. {_words(signed, names)}"
    return Plot(name=name, svg=render(figure).decode(), alt=alt, wide=True)


def largest(values: Floats) -> float:
    """Return the largest magnitude of a map, at which its colours are full."""
    size = np.abs(values[np.isfinite(values)])
    # A map of zeros still needs a scale.
    return float(size.max()) if size.size and size.max() > 0 else 1.0


def draw_map(
    axes: Axes, values: Floats, names: Names, *, colours: Colormap, scale: Normalize
) -> None:
    """Draw a map with its values.

    Args:
        axes: that it fills.
        values: `[rows, columns]`; NaN where there is nothing.
        names: of the rows and of the columns.
        colours: of the values.
        scale: from values to colours.
    """
    axes.set_facecolor(_NONE)
    axes.pcolormesh(np.ma.masked_invalid(values), cmap=colours, norm=scale, ec="white", lw=1)
    leads, columns = names
    digits = _digits(largest(values))
    size = 9 if len(columns) <= len(SEGMENTS) else 7
    for row, column in np.ndindex(*values.shape):
        value = float(values[row, column])
        text = "–" if math.isnan(value) else number(value, digits)
        ink = "black" if math.isnan(value) else _ink(colours(scale(value)))
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=ink, fontsize=size)
    axes.set_xticks(np.arange(len(columns)) + 0.5, list(columns))
    axes.set_yticks(np.arange(len(leads)) + 0.5, list(leads), parse_math=False)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _digits(largest: float) -> int:
    """Return the decimals that give the largest value two figures, between two and four."""
    return min(max(2, 1 - math.floor(math.log10(largest))), 4)


def _ink(colour: Any) -> str:  # noqa: ANN401 - RGBA as matplotlib gives it
    red, green, blue = (float(part) ** 2.2 for part in colour[:3])
    return "white" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < _DARK else "black"


def _words(signed: Floats, names: Names) -> str:
    """Return the three largest cells, for a reader who cannot see the map."""
    leads, columns = names
    flat = np.where(np.isfinite(signed), np.abs(signed), -1.0).ravel()
    places = [divmod(int(k), len(columns)) for k in np.argsort(-flat, kind="stable")[:3]]
    found = [
        f"{leads[row]} {columns[column]} {number(float(signed[row, column]))}"
        for row, column in places
        if np.isfinite(signed[row, column])
    ]
    return f"Largest: {', '.join(found)}." if found else "No record has any."
