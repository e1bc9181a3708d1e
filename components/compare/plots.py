"""Curves of several models in one picture, in the style of the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.core.comparison.judged import Judged
from components.core.metrics.calibration import reliability_points
from components.core.metrics.discrimination import Curve, pr_curve_points, roc_curve_points
from components.core.metrics.tables import Floats, floats, sigmoid
from components.core.metrics.utility import net_benefit_curve
from components.core.report.section import Plot
from components.core.report.style import DASHES, GREY, SERIES, STYLE, render, square, thin

# From one avoided event being worth 99 needless treatments to it being worth one.
_GRID = np.linspace(0.01, 0.50, 50)
# Beyond this share of the highest net benefit below zero a curve only squeezes the others.
_BELOW = 0.25


def overlays(models: Sequence[Judged]) -> tuple[Plot, ...]:
    """Return ROC, precision–recall, calibration and decision curves of all models."""
    drawn = {
        "roc": (_roc(models), "ROC curves: sensitivity against 1 − specificity"),
        "pr": (_pr(models), "Precision–recall curves: PPV against sensitivity"),
        "calibration": (_calibration(models), "Observed share with event against predicted risk"),
        "decision_curve": (_decision(models), "Net benefit against threshold probability"),
    }
    ending = "of every model. The figures are in the tables."
    return tuple(
        Plot(name=name, svg=render(figure).decode(), alt=f"{text} {ending}")
        for name, (figure, text) in drawn.items()
    )


@mpl.rc_context(STYLE)
def _roc(models: Sequence[Judged]) -> Figure:
    figure, axes = square("ROC curve")
    axes.plot([0, 1], [0, 1], color=GREY, lw=1, label="chance: 0.500")
    _curves(axes, models, roc_curve_points, "auroc")
    axes.set(xlabel="1 − specificity", ylabel="Sensitivity")
    axes.legend(loc="lower right", fontsize=8)
    return figure


@mpl.rc_context(STYLE)
def _pr(models: Sequence[Judged]) -> Figure:
    figure, axes = square("Precision–recall curve")
    for prevalence in sorted({round(m.sizes["prevalence"], 3) for m in models}):
        label = f"chance: prevalence {prevalence:.3f}"
        axes.axhline(prevalence, color=GREY, lw=1, label=label)
    _curves(axes, models, pr_curve_points, "auprc")
    axes.set(xlabel="Sensitivity (recall)", ylabel="PPV (precision)")
    axes.legend(loc="upper right", fontsize=8)
    return figure


def _curves(
    axes: Axes, models: Sequence[Judged], points: Callable[..., Curve], figure: str
) -> None:
    for number, model in enumerate(models):
        frame = model.tables.pooled
        curve = points(floats(frame, "label"), floats(frame, "logit"), floats(frame, "weight"))
        shown = thin(curve.x.size)
        axes.plot(curve.x[shown], curve.y[shown], color=SERIES[number], ls=DASHES[number], lw=1.6,
                  label=f"{model.letter} {model.figures[figure].text()}")  # fmt: skip


@mpl.rc_context(STYLE)
def _calibration(models: Sequence[Judged]) -> Figure:
    figure = Figure(figsize=(4.6, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, lw=1, label="ideal")
    highest = 0.0
    for number, model in enumerate(models):
        y, prob, weight = _risks(model.tables.pooled)
        found = reliability_points(y, prob, weight)
        highest = max(highest, float(found.predicted.max()), float(found.observed.max()))
        label = f"{model.letter} slope {model.figures['calibration_slope'].text(2)}"
        axes.plot(found.predicted, found.observed, marker="o", ms=4, color=SERIES[number],
                  ls=DASHES[number], lw=1.4, label=label)  # fmt: skip
    limit = min(1.0, np.ceil(10 * highest + 1e-9) / 10)
    axes.set(title="Calibration, ten bins of equal mass", xlabel="Predicted risk",
             ylabel="Observed share with event", xlim=(0, limit), ylim=(0, limit))  # fmt: skip
    axes.legend(loc="upper left", fontsize=8)
    return figure


@mpl.rc_context(STYLE)
def _decision(models: Sequence[Judged]) -> Figure:
    figure = Figure(figsize=(4.6, 4.6), layout="constrained")
    axes = figure.subplots()
    top = 0.01
    for number, model in enumerate(models):
        y, prob, weight = _risks(model.tables.pooled)
        own, everyone = net_benefit_curve(y, prob, _GRID, weight)
        top = max(top, float(own.max()), float(everyone[0]))
        axes.plot(_GRID, own, color=SERIES[number], ls=DASHES[number], lw=1.6, label=model.name)
        if number == 0:
            axes.plot(_GRID, everyone, color=GREY, lw=1.2, ls="--",
                      label=f"treating everyone (patients of {model.letter})")  # fmt: skip
    axes.axhline(0, color=GREY, lw=1, label="treating no one")
    axes.set(title="Decision curve", xlabel="Threshold probability", ylabel="Net benefit",
             xlim=(0, _GRID[-1]), ylim=(-_BELOW * top, 1.05 * top))  # fmt: skip
    axes.legend(loc="upper right", fontsize=8)
    return figure


def _risks(frame: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    prob = sigmoid(floats(frame, "calibrated_logit"))
    return floats(frame, "label"), prob, floats(frame, "weight")
