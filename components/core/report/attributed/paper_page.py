"""The picture of an ECG page in grey, with the attribution laid over it."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.core.report.attributed.colour import Floats, smoothed, veil
from components.core.report.palette import BLACK
from components.core.report.section import Plot
from components.core.report.style import STYLE, render

# Pixels of a page on the report, at most: a trace can still be followed, small print not read.
MOST = (192, 288)
# Blocks of the stored attribution: a stroke of the trace and its surroundings.
SIGMA = 1.5
# Of the largest value of a Grad-CAM map: what surely and what perhaps belongs to it.
_CONTOURS = (0.5, 0.8)


@dataclass(frozen=True, kw_only=True, eq=False)
class Page:
    """What is drawn of one record.

    Attributes:
        grey: `[H, W]` 0 (black) to 255 (white).
        signed: `[h, w]` attributions of blocks, log-odds; None without.
        positive: `[h, w]` Grad-CAM, never negative; None without.
        limit: smoothed attribution at which colour is full.
    """

    grey: Floats
    signed: Floats | None
    positive: Floats | None
    limit: float


def grey_page(pixels: Floats) -> Floats:
    """Return `[H, W]` of channels `[C, H, W]` 0–255, at most `MOST` pixels, by means of blocks."""
    own = np.clip(pixels, 0, 255).mean(axis=0)
    step = max(-(-own.shape[0] // MOST[0]), -(-own.shape[1] // MOST[1]))
    rows, columns = np.arange(0, own.shape[0], step), np.arange(0, own.shape[1], step)
    sums = np.add.reduceat(np.add.reduceat(own, rows, axis=0), columns, axis=1)
    ones = np.ones_like(own)
    return sums / np.add.reduceat(np.add.reduceat(ones, rows, axis=0), columns, axis=1)


@mpl.rc_context(STYLE)
def draw_page(page: Page, *, name: str, event: str) -> Plot:
    """Return the page with colours, and beside it with the outlines of Grad-CAM.

    Args:
        page: of the record.
        name: `row-N`.
        event: what the log-odds are of.
    """
    panels = [own for own in (page.signed, page.positive) if own is not None]
    ratio = page.grey.shape[0] / page.grey.shape[1]
    width = 9.4 / max(len(panels), 1)
    figure = Figure(figsize=(9.4, width * ratio + 0.5), layout="constrained")
    axes = iter(np.atleast_1d(figure.subplots(1, max(len(panels), 1))).ravel())
    if page.signed is not None:
        own = next(axes)
        _grey(own, page.grey, f"Integrated Gradients (orange: towards {event}, blue: against)")
        shown = veil(smoothed(page.signed, SIGMA), page.limit)
        own.imshow(shown, extent=_extent(page.grey), interpolation="bilinear")
    if page.positive is not None:
        own = next(axes)
        _grey(own, page.grey, f"Grad-CAM, what speaks for {event}")
        _outlines(own, page.positive, page.grey)
    return Plot(
        name=f"page-{name}",
        svg=render(figure).decode(),
        alt=f"Picture of the ECG of {name} with attribution laid over it",
        wide=True,
    )


def _grey(axes: Axes, grey: Floats, title: str) -> None:
    axes.imshow(grey, cmap="gray", vmin=0, vmax=255, extent=_extent(grey))
    axes.set_title(title, fontsize=9, parse_math=False)
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(True)
        side.set_color(BLACK)


def _outlines(axes: Axes, positive: Floats, grey: Floats) -> None:
    top = float(np.nanmax(positive, initial=0.0))
    if not top > 0:
        axes.set_xlabel("nothing on the page speaks for it", fontsize=9)
        return
    shown = veil(positive, top)
    shown[..., 3] *= 0.6
    axes.imshow(shown, extent=_extent(grey), interpolation="bilinear")
    high, wide = positive.shape
    x = (np.arange(wide) + 0.5) * grey.shape[1] / wide
    y = (np.arange(high) + 0.5) * grey.shape[0] / high
    levels = [share * top for share in _CONTOURS]
    axes.contour(x, y, positive, levels=levels, colors=BLACK, linewidths=(0.8, 1.4))


def _extent(grey: Floats) -> tuple[float, float, float, float]:
    return (0.0, float(grey.shape[1]), float(grey.shape[0]), 0.0)
