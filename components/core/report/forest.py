"""A forest plot of one figure over many groups or conditions, in the style of `plots`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.core.metrics.interval import Interval
from components.core.report.style import BLACK, BLUE, GREY, ORANGE, STYLE, render

# Inches per row, and for title and axis.
_ROW, _FRAME = 0.27, 1.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the plot.

    Attributes:
        label: at the left.
        interval: the figure; None for a heading.
        tone: `plain`, `reference` (blue), `marked` (orange), or `faint` (hollow: too few patients
            to be ranked).
    """

    label: str
    interval: Interval | None = None
    tone: str = "plain"


class Group(Protocol):
    """A group of patients, as a line of the plot."""

    @property
    def column(self) -> str:
        """What the patients are divided by."""
        ...

    @property
    def value(self) -> str:
        """Of this group."""
        ...

    @property
    def patients(self) -> int:
        """In the evaluated part."""
        ...

    @property
    def events(self) -> int:
        """Of them with the event."""
        ...

    @property
    def powered(self) -> bool:
        """Whether there are enough to be ranked."""
        ...

    @property
    def marked(self) -> bool:
        """Whether the group differs from everyone else beyond chance."""
        ...


def grouped(everyone: Interval, groups: Iterable[tuple[Group, Interval | None]]) -> list[Row]:
    """Return the rows of everyone, then of the groups under their columns; None is left out."""
    rows = [Row(label="everyone", interval=everyone, tone="reference")]
    column = ""
    for group, interval in groups:
        if interval is None:
            continue
        if group.column != column:
            column = group.column
            rows.append(Row(label=column))
        tone = "faint" if not group.powered else "marked" if group.marked else "plain"
        label = f"{group.value} ({group.events} of {group.patients:,})"
        rows.append(Row(label=label, interval=interval, tone=tone))
    return rows


_COLOURS = {"plain": BLACK, "reference": BLUE, "marked": ORANGE, "faint": GREY}


@mpl.rc_context(STYLE)
def forest(rows: Sequence[Row], *, title: str, line: float, chance: float | None = None) -> str:
    """Return the rows from top to bottom as SVG.

    Args:
        rows: headings and figures.
        title: of the plot.
        line: value of the vertical line, e.g. the figure over everyone.
        chance: value of a second, dotted one.
    """
    figure = Figure(figsize=(9.4, _FRAME + _ROW * len(rows)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(line, color=BLUE, lw=1, ls="--")
    if chance is not None:
        axes.axvline(chance, color=GREY, lw=1, ls=":")
    for place, row in enumerate(rows):
        if row.interval is not None:
            _draw(axes, row.interval, -place, row.tone)
    # A hospital's own value may hold a dollar sign, which is no formula.
    labels = [row.label for row in rows]
    axes.set_yticks([-place for place in range(len(rows))], labels, parse_math=False)
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("bold" if row.interval is None else "normal")
    axes.set(title=title, ylim=(0.6 - len(rows), 0.6))
    axes.grid(visible=False, axis="y")
    return render(figure).decode()


def _draw(axes: Axes, interval: Interval, low: int, tone: str) -> None:
    colour = _COLOURS[tone]
    axes.plot([interval.lo, interval.hi], [low, low], color=colour, lw=1.8)
    axes.plot([interval.value], [low], "o", color=colour, ms=6,
              mfc="white" if tone == "faint" else colour)  # fmt: skip
    axes.annotate(interval.text(), (1.01, low), xycoords=("axes fraction", "data"), va="center",
                  fontsize=9, annotation_clip=False)  # fmt: skip
