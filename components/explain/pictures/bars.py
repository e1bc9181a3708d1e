"""Bars of mean attribution with 95 % intervals: signed on the left, magnitude on the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.core.metrics.interval import Interval
from components.core.report.palette import AGAINST, BLACK, GREY, TOWARDS
from components.core.report.section import Plot
from components.core.report.style import STYLE, render
from components.explain.pictures.means import Mean

# Inches per bar, and for titles and axis.
_ROW, _FRAME = 0.28, 1.1


@mpl.rc_context(STYLE)
def bars(found: Mapping[str, Mean], *, name: str, title: str, event: str, png: bool = False
         ) -> Plot:  # fmt: skip
    """Return the bars in the given order, from top to bottom.

    Args:
        found: of the groups; one at least.
        name: of the picture.
        title: what the groups are.
        event: what the log-odds are of.
        png: keep it as PNG, too.
    """
    figure = Figure(figsize=(9.4, _FRAME + _ROW * len(found)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    panel(left, [mean.signed for mean in found.values()], signed=True)
    panel(right, [mean.absolute for mean in found.values()], signed=False)
    left.set(title=title, xlabel=f"mean log-odds: against {event} < 0 < towards")
    right.set(title="either way", xlabel="mean magnitude, log-odds")
    for axes in (left, right):
        axes.xaxis.label.set_parse_math(False)
    # A column's name may hold a dollar sign, which is no formula.
    left.set_yticks([-k for k in range(len(found))], list(found), parse_math=False)
    alt = "; ".join(f"{key}: {mean.signed.text()}" for key, mean in found.items())
    return Plot(name=name, svg=render(figure).decode(), alt=f"{title}. {alt}", wide=True,
                png=render(figure, "png") if png else b"")  # fmt: skip


def panel(axes: Axes, rows: Sequence[Interval], *, signed: bool) -> None:
    """Draw bars with intervals from top to bottom; colours tell signs where `signed`."""
    axes.axvline(0, color=BLACK, lw=0.8)
    for place, row in enumerate(rows):
        colour = (TOWARDS if row.value > 0 else AGAINST) if signed else GREY
        axes.barh(-place, row.value, height=0.62, color=colour, alpha=0.75)
        axes.plot([row.lo, row.hi], [-place, -place], color=BLACK, lw=1.4)
    axes.grid(visible=False, axis="y")
    axes.set_axisbelow(True)
    axes.margins(x=0.08)
