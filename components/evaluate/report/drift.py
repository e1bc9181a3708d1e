"""Reliability curves of two cohorts in one picture."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from components.core.metrics.calibration import reliability_points
from components.core.metrics.tables import floats, sigmoid
from components.core.report.style import BLUE, GREY, ORANGE, STYLE, render
from components.evaluate.report.bands import bin_band
from components.evaluate.report.plots import BAND_PLAN


@dataclass(frozen=True, eq=False)
class Cohort:
    """A cohort's predictions: one row per patient, and its name in the legend."""

    name: str
    frame: pd.DataFrame


@mpl.rc_context(STYLE)
def drift_plot(*cohorts: Cohort) -> str:
    """Return observed against predicted risk in ten bins of equal mass, per cohort, as SVG."""
    figure = Figure(figsize=(4.6, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--", label="ideal")
    highest = 0.0
    for cohort, colour, mark in zip(cohorts, (BLUE, ORANGE), ("o-", "s--"), strict=False):
        y, weight = floats(cohort.frame, "label"), floats(cohort.frame, "weight")
        prob = sigmoid(floats(cohort.frame, "calibrated_logit"))
        points = reliability_points(y, prob, weight)
        patient = cohort.frame["patient_id"].to_numpy()
        band = bin_band(y, prob, patient, weight=weight, plan=BAND_PLAN)
        bars = np.stack([points.observed - band.lo, band.hi - points.observed]).clip(min=0)
        axes.errorbar(points.predicted, points.observed, yerr=bars, fmt=mark, color=colour, lw=1.2,
                      ms=5, capsize=2, label=f"{cohort.name}, with 95 % interval")  # fmt: skip
        highest = max(highest, float(np.nanmax(band.hi)), float(points.predicted.max()))
    limit = min(1.0, np.ceil(10 * highest + 1e-9) / 10)
    axes.set(title="Calibration in both cohorts", xlabel="Predicted risk", xlim=(0, limit),
             ylabel="Observed share with event", ylim=(0, limit))  # fmt: skip
    axes.legend(loc="upper left", fontsize=9)
    return render(figure).decode()
