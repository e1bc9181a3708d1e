"""Curves of the analyses as SVG, in the style of `plots`."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from components.core.metrics.checks import FloatArray
from components.core.metrics.interval import Interval
from components.evaluate.report.plots import BLACK, BLUE, GREY, STYLE, render


@mpl.rc_context(STYLE)
def decision_curve(
    thresholds: FloatArray, model: Sequence[Interval], everyone: Sequence[Interval]
) -> str:
    """Return net benefit over threshold probability as SVG."""
    figure = Figure(figsize=(4.6, 4.6), layout="constrained")
    axes = figure.subplots()
    value = np.array([each.value for each in model])
    lo, hi = np.array([each.lo for each in model]), np.array([each.hi for each in model])
    axes.fill_between(thresholds, lo, hi, color=BLUE, alpha=0.15, lw=0,
                      label="pointwise 95 % band")  # fmt: skip
    axes.plot(thresholds, value, color=BLUE, lw=1.8, label="deciding by the model")
    all_ = [each.value for each in everyone]
    axes.plot(thresholds, all_, color=BLACK, lw=1.2, ls="--", label="treating everyone")
    axes.axhline(0, color=GREY, lw=1, label="treating no one")
    top = max(float(np.nanmax(hi)), all_[0], 0.01)
    axes.set(title="Decision curve", xlabel="Threshold probability", ylabel="Net benefit",
             xlim=(0, thresholds[-1]), ylim=(-0.25 * top, 1.05 * top))  # fmt: skip
    axes.legend(loc="upper right", fontsize=9)
    return render(figure).decode()
