"""Risk-coverage curves: how often the most confident answers are wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from components.core.metrics.checks import FloatArray
from components.core.metrics.interval import Interval
from components.core.metrics.selective import risk_coverage_points
from components.core.report.style import DASHES, SERIES, thin
from components.evaluate.report.plots import GREY, STYLE, render

# Fewer accepted answers than this have no error rate worth drawing.
_FEWEST = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """One way of telling which answers to trust.

    Attributes:
        name: for the legend.
        area: its AURC.
        confidence: `[n]` higher is accepted earlier.
    """

    name: str
    area: Interval
    confidence: FloatArray


@mpl.rc_context(STYLE)
def risk_coverage_plot(wrong: FloatArray, each: Sequence[Series]) -> str:
    """Return the curves as SVG, with the best possible order and no order at all.

    Args:
        wrong: `[n]` 1 for a wrong answer.
        each: scores to be compared.
    """
    figure = Figure(figsize=(9.4, 4.6), layout="constrained")
    axes = figure.subplots()
    rate, highest = float(wrong.mean()), 0.0
    best = np.maximum(0.0, 1 - (1 - rate) / np.linspace(1e-3, 1, 400))
    axes.plot(np.linspace(1e-3, 1, 400), best, color=GREY, lw=1, ls=":", label="best possible")
    axes.axhline(rate, color=GREY, lw=1, ls="--", label=f"no order: {rate:.3f}")
    for place, series in enumerate(each):
        curve = risk_coverage_points(wrong, series.confidence)
        shown = thin(curve.x.size)
        shown = shown[curve.x[shown] * wrong.size >= _FEWEST]
        axes.plot(curve.x[shown], curve.y[shown], color=SERIES[place], lw=1.8,
                  ls=DASHES[place], label=f"{series.name}\nAURC {series.area.text()}")  # fmt: skip
        highest = max(highest, float(curve.y[shown].max(initial=0.0)))
    axes.set(title="Risk–coverage curve", xlabel="Coverage: share of answers given",
             ylabel="Share of them wrong", xlim=(0, 1),
             ylim=(0, 1.05 * max(highest, rate, 0.01)))  # fmt: skip
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=9)
    return render(figure).decode()
