"""What pictures of sequences share: their files, and the axis of hours before the prediction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.core.attribution.event_groups import WINDOWS
from components.core.metrics.interval import Interval
from components.core.report.palette import BLACK, GREY
from components.core.report.section import Plot
from components.core.report.style import render

Floats = npt.NDArray[np.float64]
ATTENTION = "attention: what was mixed, not what the answer rests on"
HOURS = "hours from the event to the prediction"
# The past is on the left.
NEWEST_LAST = tuple(reversed(WINDOWS))
_TICKS = (0, 1, 3, 6, 12, 24, 48, 96, 168, 336, 720, 2160)


def finished(figure: Figure, *, name: str, alt: str) -> Plot:
    """Return a figure as SVG for the page and PNG beside it."""
    png = render(figure, "png")
    return Plot(name=name, svg=render(figure).decode(), alt=alt, wide=True, png=png)


def place(hours: npt.ArrayLike) -> Floats:
    """Return where events stand on the axis of time: log(1 + hours), as recent hours hold most."""
    return np.log1p(np.maximum(np.asarray(hours, np.float64), 0.0))


def time_axis(axes: Axes, longest: float) -> None:
    """Make the x axis one of hours before the prediction, the past on the left.

    Args:
        axes: whose x values are of `place`.
        longest: hours to the oldest event.
    """
    ticks = [hours for hours in _TICKS if hours <= max(longest, 1.0)]
    axes.set_xticks(place(ticks), [f"{hours:g}" for hours in ticks])
    margin = 0.03 * place(max(longest, 1.0)).item()
    axes.set_xlim(place(longest).item() + margin, -margin)
    axes.set_xlabel(HOURS)


def window_axis(axes: Axes, *, label: bool = True) -> None:
    """Make the x axis one of the windows, the past on the left."""
    axes.set_xticks(range(len(WINDOWS)), NEWEST_LAST, rotation=40, ha="right", fontsize=8)
    axes.grid(visible=False, axis="x")
    if label:
        axes.set_xlabel("window before the prediction")


def at_window(window: int) -> int:
    """Return where a window stands on the axis of windows."""
    return len(WINDOWS) - 1 - window


def bars(axes: Axes, found: dict[int, Interval], *, colour: str) -> None:
    """Draw a bar with its interval for each window (column of `WINDOWS`) that some stay has."""
    for window, own in found.items():
        axes.bar(at_window(window), own.value, width=0.7, color=colour, alpha=0.75)
        axes.plot([at_window(window)] * 2, [own.lo, own.hi], color=BLACK, lw=1.4)


def even_line(axes: Axes, found: dict[int, Interval]) -> None:
    """Draw what attention would give that prefers no event: the share of the events."""
    order = sorted(found, key=at_window)
    axes.plot(
        [at_window(k) for k in order], [found[k].value for k in order], color=GREY, ls="--",
        marker="o", ms=4, lw=1.2, label="share of the events",
    )  # fmt: skip


def spoken(found: dict[int, Interval], names: Sequence[str] = WINDOWS) -> str:
    """Return figures for a reader who cannot see the picture."""
    return "; ".join(f"{names[k]}: {own.text()}" for k, own in found.items())
