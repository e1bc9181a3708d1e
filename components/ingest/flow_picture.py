"""The flow of a cohort as a picture: who is left down the middle, who left to the right."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.core.report.style import BLACK, GREY, render

if TYPE_CHECKING:
    from components.ingest.flow import Flow, Step

# Inches between one box and the next.
_ROW = 0.95
_LEFT, _RIGHT, _WRAP = 0.24, 0.74, 44
_BOX = {"boxstyle": "round,pad=0.5", "facecolor": "white"}


def draw(flow: Flow, steps: Sequence[Step], end: Mapping[str, int]) -> bytes:
    """Return the picture as SVG.

    Args:
        flow: where it begins.
        steps: at which somebody left.
        end: records, patients and events that are kept.
    """
    rows = 2 * len(steps) + 1
    figure = Figure(figsize=(7.2, 0.6 * _ROW * rows + 0.6))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 1), ylim=(rows - 0.4, -0.6))
    axes.set_axis_off()
    _box(axes, 0, _told(flow.total, flow, end, last=not steps))
    for place, step in enumerate(steps):
        row = 2 * place + 1
        last = place == len(steps) - 1
        _arrow(axes, (_LEFT, row - 0.72), (_LEFT, row + 0.6))
        _arrow(axes, (_LEFT, row), (_RIGHT - 0.22, row))
        axes.text(
            _RIGHT, row, textwrap.fill(f"{step.lost} {step.why}", _WRAP), ha="center", va="center",
            bbox={**_BOX, "edgecolor": GREY},
        )  # fmt: skip
        _box(axes, row + 1, _told(step.left, flow, end, last=last))
    return render(figure)


def _told(left: int, flow: Flow, end: Mapping[str, int], *, last: bool) -> str:
    text = f"{left} {flow.unit}"
    if last:
        text += f"\n{end['patients']} patients, {end['positive']} with the event"
    return text


def _box(axes: Axes, row: int, text: str) -> None:
    box = {**_BOX, "edgecolor": BLACK}
    axes.text(_LEFT, row, text, ha="center", va="center", bbox=box)


def _arrow(axes: Axes, start: tuple[float, float], stop: tuple[float, float]) -> None:
    axes.annotate("", xy=stop, xytext=start, arrowprops={"arrowstyle": "->", "color": BLACK})
