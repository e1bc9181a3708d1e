"""Cumulative incidence by group of predicted risk, with the numbers still at risk below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.core.metrics.checks import FloatArray
from components.core.metrics.incidence import cumulative_incidence
from components.core.metrics.ipcw import EVENT
from components.evaluate.report.plots import BLACK, BLUE, ORANGE, STYLE, render

# A curve's steps beyond what a plot of this size can show only swell the page.
_MOST_STEPS = 200
_TICKS = 5
_DASHES = ("-", "--", ":")


@dataclass(frozen=True, kw_only=True, eq=False)
class Group:
    """Patients of one group.

    Attributes:
        name: for the legend.
        time: `[n]` days.
        code: `[n]` 0 censored, 1 event, 2 competing.
    """

    name: str
    time: FloatArray
    code: FloatArray


@mpl.rc_context(STYLE)
def incidence_plot(groups: Sequence[Group], until: float) -> str:
    """Return the Aalen–Johansen curves of up to three groups by day `until`, as SVG.

    A curve ends where nobody of its group was followed any longer.
    """
    figure = Figure(figsize=(9.4, 5.2), layout="constrained")
    top, below = figure.subplots(2, 1, height_ratios=(5, 1.2))
    for group, colour, dash in zip(groups, (BLUE, BLACK, ORANGE), _DASHES, strict=False):
        _curve(top, group, until, colour, dash)
    ticks = np.append(np.rint(np.linspace(0, until, _TICKS)[:-1]), until)
    top.set(title="Cumulative incidence by predicted risk, pointwise 95 % bands",
            xlabel="Days since the index date", ylabel="Cumulative incidence",
            xlim=(0, until), ylim=(0, None), xticks=ticks)  # fmt: skip
    top.legend(loc="upper left", fontsize=9)
    _at_risk(below, groups, ticks)
    return render(figure).decode()


def _curve(axes: Axes, group: Group, until: float, colour: str, dash: str) -> None:
    last = min(until, float(group.time.max()))
    steps = np.unique(group.time[(group.code == EVENT) & (group.time <= last)])
    shown = np.unique(np.linspace(0, steps.size - 1, min(steps.size, _MOST_STEPS)).astype(int))
    at = np.unique(np.append(steps[shown] if steps.size else steps, last))
    found = [cumulative_incidence(group.time, group.code, t) for t in at[at > 0].tolist()]
    x = np.concatenate([[0.0], at[at > 0]])
    value, lo, hi = (
        np.array([0.0, *(getattr(each, name) for each in found)]) for name in ("value", "lo", "hi")
    )
    axes.step(x, value, where="post", color=colour, ls=dash, lw=1.8, label=group.name)
    axes.fill_between(x, lo, hi, step="post", color=colour, alpha=0.12, lw=0)


def _at_risk(axes: Axes, groups: Sequence[Group], ticks: FloatArray) -> None:
    """Write how many of each group were still followed and free of any event."""
    axes.set(xlim=(ticks[0], ticks[-1]), ylim=(-len(groups), 0.6))
    axes.set_xticks([])
    axes.set_yticks([-i - 0.5 for i in range(len(groups))], [g.name for g in groups], fontsize=9)
    axes.set_title("Still at risk", fontsize=9)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    for row, group in enumerate(groups):
        for tick in ticks.tolist():
            count = int((group.time >= tick).sum())
            side = {ticks[0]: "left", ticks[-1]: "right"}.get(tick, "center")
            axes.text(tick, -row - 0.5, f"{count:,}", ha=side, va="center", fontsize=9)
