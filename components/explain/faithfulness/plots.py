"""Deletion and insertion curves as pictures."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.core.metrics.interval import Interval
from components.core.metrics.resampling import Plan
from components.core.report.style import BLUE, GREY, STYLE, render
from components.explain.faithfulness.deletion import Curves, drawn_curves
from components.explain.faithfulness.means import Floats


@mpl.rc_context(STYLE)
def curves_plot(found: Curves, plan: Plan, *, title: str) -> str:
    """Return both curves beside those of random order, with 95 % bands, as SVG.

    Args:
        found: of one method.
        plan: of the bands.
        title: the method's.
    """
    lines = drawn_curves(found, plan)
    figure = Figure(figsize=(9.4, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    figure.suptitle(title, x=0.01, ha="left", weight="bold")
    for axes, name, what in (
        (left, "deletion", "Deletion: highest attribution removed first"),
        (right, "insertion", "Insertion: highest attribution put back first"),
    ):
        _line(axes, found.share, lines[f"{name}_random"], colour=GREY, label="random order")
        _line(axes, found.share, lines[name], colour=BLUE, label="by attribution")
        axes.axhline(0, color=GREY, lw=0.8)
        axes.set(title=what, xlim=(0, 1), xlabel="share of the groups")
    left.set_ylabel("change of the log-odds\n(1 = mean change by removing all)")
    left.legend(loc="best")
    return render(figure).decode()


def _line(
    axes: Axes, share: Floats, heights: Sequence[Interval], *, colour: str, label: str
) -> None:
    value, low, high = (
        np.array([getattr(each, side) for each in heights]) for side in ("value", "lo", "hi")
    )
    axes.fill_between(share, low, high, color=colour, alpha=0.2, lw=0)
    axes.plot(share, value, color=colour, lw=1.8, ls="--" if colour == GREY else "-", label=label)
