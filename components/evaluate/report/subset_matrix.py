"""A picture of every subset of the inputs: which are there, and the figure of each endpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.core.metrics.interval import Interval, number
from components.core.report.style import BLACK, BLUE, GREY, STYLE, render

# Inches: a row, title with axis, a column of dots, a panel of figures.
_ROW, _FRAME, _COLUMN, _PANEL = 0.24, 1.7, 0.32, 3.6
_ABSENT = "#dddddd"


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row of the picture.

    Attributes:
        kept: the inputs that are there.
        figures: endpoint → figure; None where a class has nobody.
        faint: endpoints with too few patients to be ranked.
    """

    kept: tuple[str, ...]
    figures: Mapping[str, Interval | None]
    faint: tuple[str, ...] = ()


@mpl.rc_context(STYLE)
def subset_matrix(
    lines: Sequence[Line], inputs: Mapping[str, str], *, title: str, chance: float = 0.5
) -> str:
    """Return the rows from top to bottom as SVG: dots for the inputs, then one panel an endpoint.

    Args:
        lines: in the order in which they are drawn, all inputs first: the line to compare with.
        inputs: name → in words, in the order of the columns.
        title: of the figure, over each panel after the endpoint's name.
        chance: value of the dotted line.
    """
    heads = list(lines[0].figures)
    widths = [_COLUMN * len(inputs), *[_PANEL] * len(heads)]
    size = (sum(widths) + 0.6, _FRAME + _ROW * len(lines))
    figure = Figure(figsize=size, layout="constrained")
    dots, *panels = figure.subplots(
        1, len(widths), sharey=True, gridspec_kw={"width_ratios": widths}, squeeze=False
    )[0]
    _presence(dots, lines, inputs)
    for axes, head in zip(panels, heads, strict=True):
        _panel(axes, lines, head, chance)
        axes.set_title(f"{head}: {title}", parse_math=False)
    return render(figure).decode()


def _presence(axes: Axes, lines: Sequence[Line], inputs: Mapping[str, str]) -> None:
    for place, line in enumerate(lines):
        there = [column for column, name in enumerate(inputs) if name in line.kept]
        axes.plot(range(len(inputs)), [-place] * len(inputs), "o", color=_ABSENT, ms=6)
        axes.plot(there, [-place] * len(there), "o-", color=BLACK, ms=6, lw=1.2)
    axes.set_xticks(range(len(inputs)), list(inputs.values()), rotation=90, parse_math=False)
    axes.xaxis.tick_top()
    axes.set(xlim=(-0.6, len(inputs) - 0.4), ylim=(0.6 - len(lines), 0.6), yticks=[])
    axes.grid(visible=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _panel(axes: Axes, lines: Sequence[Line], head: str, chance: float) -> None:
    whole = lines[0].figures[head]
    axes.axvline(chance, color=GREY, lw=1, ls=":")
    if whole is not None:
        axes.axvline(whole.value, color=BLUE, lw=1, ls="--")
    for place, line in enumerate(lines):
        found = line.figures[head]
        if found is None:
            axes.annotate("a class has nobody", (chance, -place), va="center", fontsize=8)
            continue
        faint = head in line.faint
        colour = GREY if faint else BLUE if place == 0 else BLACK
        axes.plot([found.lo, found.hi], [-place] * 2, color=colour, lw=1.6)
        axes.plot([found.value], [-place], "o", color=colour, ms=5,
                  mfc="white" if faint else colour)  # fmt: skip
        axes.annotate(number(found.value), (1.01, -place), xycoords=("axes fraction", "data"),
                      va="center", fontsize=8, annotation_clip=False)  # fmt: skip
    axes.grid(visible=False, axis="y")
