"""Plots of a report as SVG or PNG, without a display and safe for colour-blind readers.

Each takes predictions as arrays: labels `y` `[n]`, probabilities `[n]`, patient ids `[n]`, optional
row weights `[n]`. Shaded bands and bars are pointwise 95 % intervals of the patient-clustered
bootstrap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.core.metrics.calibration import reliability_points
from components.core.metrics.checks import FloatArray
from components.core.metrics.discrimination import pr_curve_points, roc_curve_points
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import Plan
from components.core.report.style import BLACK as BLACK
from components.core.report.style import BLUE, GREY, ORANGE, STYLE, square, thin
from components.core.report.style import render as render
from components.evaluate.report.bands import GRID, Band, bin_band, pr_band, roc_band

# Bands are pointwise and smooth: 500 draws fix them to within a line's width.
BAND_PLAN = Plan(draws=500)
# Prevalence above which curves and histograms fill the upper right, where legends are else.
_COMMON = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """Rows of the evaluated split, see the module for shapes."""

    y: FloatArray
    prob: FloatArray
    patient: npt.NDArray[np.generic]
    weight: FloatArray | None = None


@mpl.rc_context(STYLE)
def roc_plot(
    data: Predictions, interval: Interval, *, point: tuple[Interval, Interval] | None = None
) -> Figure:
    """Return the ROC curve with its band, AUROC and the operating point.

    Args:
        data: predictions.
        interval: of the AUROC.
        point: sensitivity and specificity at the threshold, with intervals.
    """
    curve = roc_curve_points(data.y, data.prob, data.weight)
    figure, axes = square("ROC curve")
    band = roc_band(data.y, data.prob, data.patient, weight=data.weight, plan=BAND_PLAN)
    _shade(axes, band)
    axes.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--", label="chance: 0.500")
    shown = thin(curve.x.size)
    label = f"AUROC {interval.text()}"
    axes.plot(curve.x[shown], curve.y[shown], color=BLUE, lw=1.8, label=label)
    if point is not None:
        _cross(axes, *point)
    axes.set(xlabel="1 − specificity", ylabel="Sensitivity")
    axes.legend(loc="lower right", fontsize=9)
    return figure


@mpl.rc_context(STYLE)
def pr_plot(data: Predictions, interval: Interval) -> Figure:
    """Return the precision–recall curve with its band, AUPRC and the prevalence as its floor."""
    curve = pr_curve_points(data.y, data.prob, data.weight)
    prevalence = float(np.average(data.y, weights=data.weight))
    figure, axes = square("Precision–recall curve")
    _shade(axes, pr_band(data.y, data.prob, data.patient, weight=data.weight, plan=BAND_PLAN))
    floor = f"chance: prevalence {prevalence:.3f}"
    axes.axhline(prevalence, color=GREY, lw=1, ls="--", label=floor)
    shown = thin(curve.x.size)
    label = f"AUPRC {interval.text()}"
    axes.step(curve.x[shown], curve.y[shown], where="pre", color=BLUE, lw=1.8, label=label)
    axes.set(xlabel="Sensitivity (recall)", ylabel="PPV (precision)")
    # No curve of skill runs below the prevalence: of a common event the room is underneath.
    axes.legend(loc="lower left" if prevalence > _COMMON else "upper right", fontsize=9)
    return figure


@mpl.rc_context(STYLE)
def calibration_plot(after: Predictions, before: FloatArray | None = None) -> Figure:
    """Return observed against predicted risk in ten bins of equal mass, and the risks' spread.

    Args:
        after: predictions as reported.
        before: `[n]` probabilities before recalibration.
    """
    figure = Figure(figsize=(4.6, 5.2), layout="constrained")
    top, bottom = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    band = bin_band(after.y, after.prob, after.patient, weight=after.weight, plan=BAND_PLAN)
    limit = _limit(band.hi, after.prob)
    top.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--", label="ideal")
    if before is not None:
        points = reliability_points(after.y, before, after.weight)
        top.plot(points.predicted, points.observed, "s", color=ORANGE, mfc="none", ms=5,
                 label="before recalibration")  # fmt: skip
    points = reliability_points(after.y, after.prob, after.weight)
    bars = np.stack([points.observed - band.lo, band.hi - points.observed]).clip(min=0)
    top.errorbar(points.predicted, points.observed, yerr=bars, fmt="o-", color=BLUE, lw=1.2, ms=5,
                 capsize=2, label="reported, with 95 % interval")  # fmt: skip
    top.set(title="Calibration", ylabel="Observed share with event", ylim=(0, limit))
    top.legend(loc="upper left", fontsize=9)
    _spread(bottom, after, limit)
    return figure


@mpl.rc_context(STYLE)
def comparison_plot(
    rows: Sequence[tuple[str, Interval]], *, title: str, chance: float | None = None
) -> Figure:
    """Return a forest plot: one figure with its interval per model, the first row on top."""
    figure = Figure(figsize=(9.4, 0.9 + 0.36 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for place, (_, interval) in enumerate(rows):
        colour, low = (BLUE if place == 0 else BLACK), -place
        axes.plot([interval.lo, interval.hi], [low, low], color=colour, lw=1.8)
        axes.plot([interval.value], [low], "o", color=colour, ms=6)
        axes.annotate(interval.text(), (1.01, low), xycoords=("axes fraction", "data"),
                      va="center", fontsize=9, annotation_clip=False)  # fmt: skip
    if chance is not None:
        axes.axvline(chance, color=GREY, lw=1, ls="--")
    axes.set_yticks([-place for place in range(len(rows))], [name for name, _ in rows])
    axes.set(title=title, ylim=(0.6 - len(rows), 0.6))
    axes.grid(visible=False, axis="y")
    return figure


def _shade(axes: Axes, band: Band) -> None:
    label = "pointwise 95 % band"
    axes.fill_between(GRID, band.lo, band.hi, color=BLUE, alpha=0.15, lw=0, label=label)


def _cross(axes: Axes, sensitivity: Interval, specificity: Interval) -> None:
    x, y = 1 - specificity.value, sensitivity.value
    axes.plot([1 - specificity.hi, 1 - specificity.lo], [y, y], color=ORANGE, lw=1.4)
    axes.plot([x, x], [sensitivity.lo, sensitivity.hi], color=ORANGE, lw=1.4)
    axes.plot([x], [y], "D", color=ORANGE, ms=6, label="at the threshold, with 95 % intervals")


def _spread(axes: Axes, data: Predictions, limit: float) -> None:
    """Draw the share of each class by predicted risk, so that rare events stay visible."""
    edges = np.linspace(0, limit, 41).tolist()
    for value, colour, label in ((0, GREY, "no event"), (1, ORANGE, "event")):
        chosen = data.y == value
        own = np.ones(int(chosen.sum())) if data.weight is None else data.weight[chosen]
        axes.hist(data.prob[chosen], edges, weights=own / max(own.sum(), 1e-12), histtype="step",
                  color=colour, lw=1.4, label=label)  # fmt: skip
    axes.set(xlabel="Predicted risk", ylabel="Share", xlim=(0, limit))
    common = float(np.average(data.y, weights=data.weight)) > _COMMON
    axes.legend(loc="upper left" if common else "upper right", fontsize=9)


def _limit(upper: FloatArray, prob: FloatArray) -> float:
    """Return the axis' end: a whole tenth that holds every bar and 99.5 % of the risks."""
    highest = max(float(np.nanmax(upper, initial=0.0)), float(np.quantile(prob, 0.995)))
    return min(1.0, np.ceil(10 * highest + 1e-9) / 10)
