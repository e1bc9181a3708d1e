"""How near the test part's recordings come to their nearest ones in the train part."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

# Okabe and Ito's palette: distinct under the common forms of colour blindness and in grey print.
_BLUE, _ORANGE = "#0072B2", "#D55E00"
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "svg.hashsalt": "audit",
}


@mpl.rc_context(_STYLE)
def nearest_plot(nearest: list[float], bound: float) -> str:
    """Return an SVG: the spread of nearest-neighbour correlations, and where copies begin.

    Args:
        nearest: correlation in [0, 1] of each test record with its nearest train record.
        bound: correlation from which on two recordings count as copies.
    """
    figure = Figure(figsize=(7.2, 2.8), layout="constrained")
    axes = figure.subplots()
    values = np.asarray(nearest)
    edges = np.linspace(0, 1, 51).tolist()
    axes.hist(values[values < bound], edges, color=_BLUE, label="different recordings")
    if (values >= bound).any():
        axes.hist(values[values >= bound], edges, color=_ORANGE, label="copies")
    axes.axvline(bound, color=_ORANGE, lw=1.4, ls="--", label=f"copies from {bound:g} on")
    axes.set(xlabel="Correlation with the nearest recording of the train part",
             ylabel="Test recordings", xlim=(0, 1.01),
             title="Nearest neighbours across the split")  # fmt: skip
    axes.legend(loc="upper left", fontsize=9)
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()
