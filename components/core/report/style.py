"""The look of every picture: palette, type, axes; no display, safe for colour-blind readers."""

from __future__ import annotations

import io
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.core.report.palette import BLACK as BLACK
from components.core.report.palette import BLUE as BLUE
from components.core.report.palette import GREEN as GREEN
from components.core.report.palette import GREY as GREY
from components.core.report.palette import ORANGE as ORANGE
from components.core.report.palette import PURPLE as PURPLE
from components.core.report.palette import SKY as SKY

# One colour per model where several share a picture; lines differ in their dashes, too.
SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, BLACK)
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
# Points of a curve beyond what a plot of this size can show only swell the page.
_MOST_POINTS = 400
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "svg.hashsalt": "report",
}


@mpl.rc_context(STYLE)
def render(figure: Figure, kind: Literal["svg", "png"] = "svg") -> bytes:
    """Return the figure as a file; the same figure gives the same bytes."""
    _lay_out(figure)
    stream = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    figure.savefig(stream, format=kind, dpi=150, metadata=metadata)
    return stream.getvalue()


def _lay_out(figure: Figure) -> None:
    """Place the axes to the sixth decimal: the solver's last bits differ from call to call."""
    engine = figure.get_layout_engine()
    if engine is None:
        return
    engine.execute(figure)
    figure.set_layout_engine("none")
    for axes in figure.axes:
        place = np.round(axes.get_position(original=True).bounds, 6).tolist()
        axes.set_position(place, which="original")


def square(title: str) -> tuple[Figure, Axes]:
    """Return a figure whose axes both run from 0 to 1."""
    figure = Figure(figsize=(4.6, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.set(title=title, xlim=(0, 1), ylim=(0, 1.005), aspect="equal")
    return figure, axes


def thin(size: int) -> npt.NDArray[np.int64]:
    """Return which of `size` points to draw, evenly spread and both ends among them."""
    return np.unique(np.linspace(0, size - 1, min(size, _MOST_POINTS)).astype(np.int64))
