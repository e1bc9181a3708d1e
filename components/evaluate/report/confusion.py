"""A confusion matrix: how many, and which share of those truly in a category, were put where."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from components.evaluate.report.plots import BLACK, BLUE, STYLE, render

_SHADES = LinearSegmentedColormap.from_list("share", ["#ffffff", BLUE])
# At this share of the blue black and white letters have the same contrast, 4 to 1 (WCAG 2.1).
_DARK = 0.85


@mpl.rc_context(STYLE)
def confusion_plot(cells: npt.NDArray[np.int64], classes: Sequence[str]) -> str:
    """Return the matrix as SVG.

    Args:
        cells: `[K, K]` patients by true (row) and by called category (column).
        classes: names of the `K` categories.
    """
    size = len(classes)
    figure = Figure(figsize=(2.4 + 1.1 * size, 1.8 + 0.9 * size), layout="constrained")
    axes = figure.subplots()
    totals = cells.sum(axis=1, keepdims=True)
    share = np.divide(cells, totals, out=np.zeros(cells.shape), where=totals > 0)
    axes.imshow(share, cmap=_SHADES, vmin=0, vmax=1, aspect="auto")
    for true in range(size):
        for called in range(size):
            part = f"{100 * share[true, called]:.0f} %" if totals[true, 0] else "—"
            colour = "white" if share[true, called] > _DARK else BLACK
            axes.text(called, true, f"{cells[true, called]:,}\n{part}", ha="center", va="center",
                      color=colour, fontsize=10)  # fmt: skip
    # A hospital's own name may hold a dollar sign, which is no formula.
    axes.set_xticks(range(size), list(classes), parse_math=False)
    axes.set_yticks(range(size), list(classes), parse_math=False)
    axes.set(title="Patients, and share of the row", xlabel="Called", ylabel="True")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return render(figure).decode()
