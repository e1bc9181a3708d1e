"""A heart sound's log-mel windows in grey, with the attribution laid over them."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.core.attribution.tiles import edges_hz
from components.core.media.config import SoundConfig
from components.core.report.attributed.colour import Floats, smoothed, veil
from components.core.report.section import Plot
from components.core.report.style import STYLE, render

# Blocks of the stored attribution: about a filter and two frames.
SIGMA = 0.8
# Inches of a window, and for titles and the axis.
_ROW, _FRAME, _COLUMNS = 1.7, 0.8, 2
# Percentiles of the level that are black and white.
_DARK, _LIGHT = 99.0, 2.0
_TICKS_HZ = (25, 50, 100, 200, 400, 800)


@dataclass(frozen=True, kw_only=True, eq=False)
class Spectrogram:
    """What is drawn of one record.

    Attributes:
        levels: `[w, M, T]` dB of the windows that are there.
        signed: `[w, m, t]` attributions of blocks, log-odds.
        windows: `w` numbers of the windows, from 1.
        limit: smoothed attribution at which colour is full.
        sound: how the windows were made; None names filters and frames in place of Hz and seconds.
    """

    levels: Floats
    signed: Floats
    windows: tuple[int, ...]
    limit: float
    sound: SoundConfig | None


@mpl.rc_context(STYLE)
def draw_sound(shown: Spectrogram, *, name: str, event: str, method: str) -> Plot:
    """Return the windows, time to the right and frequency upwards.

    Args:
        shown: of the record.
        name: `row-N`.
        event: what the log-odds are of.
        method: its title.
    """
    count = len(shown.windows)
    rows = -(-count // _COLUMNS)
    figure = Figure(figsize=(9.4, _FRAME + _ROW * rows), layout="constrained")
    places = figure.subplots(rows, min(count, _COLUMNS), squeeze=False).ravel()
    low, high = np.percentile(shown.levels, [_LIGHT, _DARK])
    for place, axes in enumerate(places):
        if place >= count:
            axes.set_visible(False)
            continue
        levels = shown.levels[place]
        extent = _extent(shown)
        axes.imshow(levels, cmap="Greys", vmin=low, vmax=high, extent=extent, **_LOOK)
        colours = veil(smoothed(shown.signed[place], SIGMA), shown.limit)
        axes.imshow(colours, extent=extent, **_LOOK)
        _axes(axes, shown, shown.windows[place])
    figure.suptitle(
        f"{method} (orange: towards {event}, blue: against) on the level, {low:.0f} dB (white) to "
        f"{high:.0f} dB (black)",
        fontsize=9,
        parse_math=False,
    )
    alt = f"Log-mel spectrogram of the heart sound of {name} with attribution laid over it"
    return Plot(name=f"sound-{name}", svg=render(figure).decode(), alt=alt, wide=True)


_LOOK = {"origin": "lower", "aspect": "auto", "interpolation": "nearest"}


def _extent(shown: Spectrogram) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top: seconds or frames, and filters."""
    _, mels, frames = shown.levels.shape
    return (0.0, float(frames if shown.sound is None else shown.sound.window_s), 0.0, float(mels))


def _axes(axes: Axes, shown: Spectrogram, window: int) -> None:
    axes.set_title(f"window {window}", fontsize=9)
    axes.grid(visible=False)
    if shown.sound is None:
        axes.set_xlabel("frame", fontsize=8)
        axes.set_ylabel("mel filter", fontsize=8)
        return
    axes.set_xlabel("s", fontsize=8)
    axes.set_ylabel("Hz", fontsize=8)
    edges = edges_hz(shown.sound)
    within = [hz for hz in _TICKS_HZ if edges[0] <= hz <= edges[-1]]
    axes.set_yticks(np.interp(within, edges, np.arange(len(edges))), [str(hz) for hz in within])
    axes.tick_params(labelsize=8)
