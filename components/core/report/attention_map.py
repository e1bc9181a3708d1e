"""Attention over one sequence: what the pooling counts, and what steps take from one another."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from components.core.report.style import BLUE, STYLE

Floats = npt.NDArray[np.float32]
# Inches; at the 150 dots per inch of `render` 1,080 px wide.
_SIZE = (7.2, 8.0)
_TICKS = 6
_SHADES = LinearSegmentedColormap.from_list("attention", ["#ffffff", BLUE])


@mpl.rc_context(STYLE)
def attention_map(layer: Floats, pooling: Floats, hours: Floats, *, title: str) -> Figure:
    """Return two panels: weight of every event by head of the pooling, and event by event.

    Args:
        layer: `[H, S, S]` weights of a layer, from (second axis) and to (last); drawn as their mean
            over heads.
        pooling: `[P, S]` weights of the pooling.
        hours: `[S]` from each event to the prediction, oldest event first.
        title: of the picture.
    """
    figure = Figure(figsize=_SIZE, layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(1, 4))
    _panel(figure, above, pooling, hours)
    above.set(title="Pooling", ylabel="Head", yticks=range(len(pooling)))
    _panel(figure, below, layer.mean(axis=0), hours)
    below.set(title="Last layer, mean over heads", ylabel="Event, oldest above",
              xlabel="Hours from the event to the prediction, oldest event first")  # fmt: skip
    figure.suptitle(f"{title}\nAttention is what was mixed, not what the answer rests on",
                    fontsize=10)  # fmt: skip
    return figure


def _panel(figure: Figure, axes: Axes, values: Floats, hours: Floats) -> None:
    drawn = axes.imshow(
        values, cmap=_SHADES, vmin=0, vmax=float(values.max()), aspect="auto",
        interpolation="nearest",
    )  # fmt: skip
    places = np.unique(np.linspace(0, len(hours) - 1, _TICKS).round().astype(np.int64))
    axes.set_xticks(places, [f"{hours[place]:.1f}" for place in places])
    axes.grid(visible=False)
    figure.colorbar(drawn, ax=axes, label="weight")
