"""Calibration of risks by several days: a small picture for each, in the style of `plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.core.metrics.interval import Interval
from components.core.metrics.survival_calibration import RiskGroup
from components.evaluate.report.plots import BLUE, GREY, STYLE, render

# Two beside each other fill the page's width at a size at which bars can be told apart.
_COLUMNS = 2
_WIDTH, _HEIGHT = 9.4, 4.2
# More labels of three decimals would touch.
_TICKS = 5


@mpl.rc_context(STYLE)
def calibration_panels(
    groups: Mapping[float, Sequence[RiskGroup]], ratio: Mapping[float, Interval]
) -> str:
    """Return observed against predicted risk by each day, as SVG.

    Args:
        groups: day → groups of patients by rising predicted risk.
        ratio: day → observed over expected, for the heading.
    """
    rows = -(-len(groups) // _COLUMNS)
    figure = Figure(figsize=(_WIDTH, _HEIGHT * rows), layout="constrained")
    places = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes, (day, found) in zip(places, groups.items(), strict=False):
        _panel(axes, found, f"Day {day:g}: O/E {ratio[day].text(2)}")
    for axes in places[len(groups) :]:
        axes.set_visible(False)
    return render(figure).decode()


def _panel(axes: Axes, groups: Sequence[RiskGroup], title: str) -> None:
    x = np.array([group.predicted for group in groups])
    value, lo, hi = (
        np.array([getattr(group.observed, name) for group in groups])
        for name in ("value", "lo", "hi")
    )
    highest = float(np.nanmax(np.concatenate([x, value, hi]), initial=0.0))
    # A whole twentieth that holds every bar: risks by an early day are small.
    limit = min(1.0, np.ceil(20 * highest + 1e-9) / 20)
    axes.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--", label="ideal")
    bars = np.nan_to_num(np.stack([value - lo, hi - value])).clip(min=0)
    line = "o-" if len(groups) > 1 else "o"
    axes.errorbar(x, value, yerr=bars, fmt=line, color=BLUE, lw=1.2, ms=5, capsize=2,
                  label="groups by predicted risk, 95 % interval")  # fmt: skip
    axes.set(title=title, xlabel="Predicted risk", ylabel="Cumulative incidence",
             xlim=(0, limit), ylim=(0, limit * 1.02), aspect="equal")  # fmt: skip
    axes.locator_params(nbins=_TICKS)
    axes.legend(loc="upper left", fontsize=8)
