"""Mean attribution over the page and over the beat, planted places outlined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from components.core.attribution.tiles import edges_hz
from components.core.media.config import SoundConfig
from components.core.report.attributed.colour import Floats, limit_of
from components.core.report.palette import GREY, ORANGE
from components.core.report.section import Plot
from components.core.report.style import STYLE, render
from components.explain.pictures.heat import SIZE

_TICKS_HZ = (25, 60, 100, 150, 200, 400, 800)
# Inches: of the page's width beside its scale, of the beat's panels.
_PAGE, _BEAT = 8.0, (9.4, 3.0)


@mpl.rc_context(STYLE)
def draw_page(mean: Floats, boxes: Mapping[str, Sequence[float]], *, causal: Sequence[str]) -> Plot:
    """Return the page with every lead's box, the planted ones in colour.

    Args:
        mean: `[rows, columns]` mean |attribution| of equal cells of the page.
        boxes: lead → left, top, right, bottom in shares of the page.
        causal: planted leads.
    """
    rows, columns = mean.shape
    figure = Figure(figsize=(_PAGE + 1.4, _PAGE * rows / columns + 0.5), layout="constrained")
    axes = figure.subplots()
    drawn = axes.imshow(
        mean, cmap=SIZE, vmin=0, vmax=limit_of([mean]), extent=(0.0, 1.0, 1.0, 0.0), aspect="auto"
    )
    for name, (left, top, right, bottom) in boxes.items():
        own = name in causal
        axes.add_patch(_frame((left, right), (top, bottom), planted=own))
        axes.text(left + 0.005, top + 0.005, name, va="top", fontsize=8,
                  color=ORANGE if own else GREY)  # fmt: skip
    _bare(axes)
    axes.set_title("Pages turned straight and laid over one another; planted leads in colour",
                   fontsize=9)  # fmt: skip
    figure.colorbar(drawn, ax=axes, label="mean |attribution| of a block, log-odds")
    return Plot(
        name="planted-page",
        svg=render(figure).decode(),
        alt="Mean attribution by Integrated Gradients over the page, leads outlined",
        wide=True,
    )


@mpl.rc_context(STYLE)
def draw_beats(
    panels: Mapping[str, Floats],
    around: Mapping[str, tuple[float, float]],
    *,
    sound: SoundConfig,
    truth: Mapping[str, Any],
    systole: float,
) -> Plot:
    """Return the beat around S1 and around S2, time to the right and frequency upwards.

    Args:
        panels: `S1`, `S2` → `[m, offsets]` mean |attribution|.
        around: the same → first and last offset, s.
        sound: how recordings became windows.
        truth: bands and times of murmur and third sound.
        systole: median time from S1 to S2, s.
    """
    figure = Figure(figsize=_BEAT, layout="constrained")
    every = np.atleast_1d(figure.subplots(1, len(panels), sharey=True))
    top = limit_of(list(panels.values()))
    half = sound.hop / sound.fs / 2
    for axes, (name, mean) in zip(every, panels.items(), strict=True):
        low, high = around[name]
        drawn = axes.imshow(
            mean, cmap=SIZE, vmin=0, vmax=top, origin="lower", aspect="auto",
            interpolation="nearest", extent=(low - half, high + half, 0.0, float(sound.mels)),
        )  # fmt: skip
        _planted_of(axes, name, systole, sound=sound, truth=truth)
        axes.set_title(f"around {name}; planted places in colour", fontsize=9)
        axes.set_xlabel(f"s from {name}", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(visible=False)
        if axes is every[-1]:
            figure.colorbar(drawn, ax=every, label="mean |attribution|, log-odds")
    within = [hz for hz in _TICKS_HZ if sound.low_hz <= hz <= sound.high_hz]
    every[0].set_yticks(_filters(within, sound), [str(hz) for hz in within])
    every[0].set_ylabel("Hz", fontsize=8)
    return Plot(
        name="planted-beat",
        svg=render(figure).decode(),
        alt="Mean attribution by Integrated Gradients over the beat, planted bands outlined",
        wide=True,
    )


def _planted_of(
    axes: Axes, name: str, systole: float, *, sound: SoundConfig, truth: Mapping[str, Any]
) -> None:
    """Outline the murmur between the sounds, and the third sound after S2."""
    murmur, third = truth["murmur"], truth["s3"]
    span = (0.0, systole) if name == "S1" else (-systole, 0.0)
    axes.add_patch(_frame(span, tuple(_filters(murmur["hz"], sound)), planted=True))
    axes.axvline(0.0, color=GREY, linewidth=0.8, linestyle=":")
    if name == "S2":
        after = (float(third["after_s"][0]), float(third["after_s"][1]))
        axes.add_patch(_frame(after, tuple(_filters(third["hz"], sound)), planted=True))


def _filters(hz: Sequence[float], sound: SoundConfig) -> list[float]:
    """Return frequencies as places on the axis of filters."""
    edges = edges_hz(sound)
    return np.interp(hz, edges, np.arange(len(edges))).tolist()


def _frame(x: Sequence[float], y: Sequence[float], *, planted: bool) -> Rectangle:
    return Rectangle(
        (x[0], y[0]), x[1] - x[0], y[1] - y[0], fill=False,
        edgecolor=ORANGE if planted else GREY, linewidth=1.6 if planted else 0.6,
    )  # fmt: skip


def _bare(axes: Axes) -> None:
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
