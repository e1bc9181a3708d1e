"""Pictures and tables of the analyses that matter most where patients are few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from components.core.metrics.folds import FoldRow
from components.core.metrics.interval import Interval, number
from components.core.report.section import Table
from components.evaluate.report.plots import BLUE, GREY, ORANGE, STYLE, render

if TYPE_CHECKING:
    from components.evaluate.analyses.learning_curve import Step
    from components.evaluate.analyses.optimism import Optimism


@mpl.rc_context(STYLE)
def optimism_plot(folds: Mapping[str, Sequence[FoldRow]], means: Mapping[str, Interval]) -> str:
    """Return AUROC by part as SVG: a grey line per fold, the mean with its interval in blue."""
    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(means))
    each = np.array([[row.figures["auroc"] for row in folds[part]] for part in means])
    if each.shape[1] > 1:
        axes.plot(places, each, color=GREY, lw=0.8, alpha=0.6)
        axes.plot([], [], color=GREY, lw=0.8, label="one fold")
    value = np.array([found.value for found in means.values()])
    bars = np.array([[f.value - f.lo, f.hi - f.value] for f in means.values()]).T.clip(min=0)
    axes.errorbar(places, value, yerr=bars, fmt="o-", color=BLUE, lw=1.8, ms=6, capsize=3,
                  label="AUROC with 95 % interval")  # fmt: skip
    axes.axhline(0.5, color=GREY, lw=1, ls="--", label="chance: 0.500")
    axes.set(title="AUROC by what the model has seen", ylabel="AUROC", ylim=(None, 1.005))
    axes.set_xticks(places, [f"{part} patients" for part in means])
    axes.legend(loc="best", fontsize=9)
    return render(figure).decode()


def optimism_table(found: Optimism, *, several: bool) -> Table:
    """Return one row per part: sizes, AUROC, its spread over folds, and the difference to test."""
    means = ("Patients", "With event") if not several else ("Patients a fold", "With event a fold")
    header = ("Part", *means, "AUROC", *(("SD of folds",) if several else ()), "Minus test")
    rows = tuple(
        (
            part,
            f"{found.patients[part]:,.0f}",
            f"{found.events[part]:,.0f}",
            found.figures[f"auroc_{part}"].text(),
            *((number(_sd(found.folds[part])),) if several else ()),
            "" if part == "test" else found.figures[f"{part}_minus_test"].text(),
        )
        for part in found.patients
    )
    note = f"Intervals: {found.figures['auroc_test'].method}."
    if several:
        note += (
            " Folds share most of their training patients, so that their SD divided by the root "
            "of their number is no standard error (Bengio and Grandvalet 2004)."
        )
    return Table("Apparent, validation and test performance", header, rows, note)


def _sd(rows: Sequence[FoldRow]) -> float:
    return _spread([row.figures["auroc"] for row in rows])


def _spread(values: Sequence[float]) -> float:
    known = np.array([value for value in values if not np.isnan(value)])
    return float(known.std(ddof=1)) if known.size > 1 else float("nan")


@mpl.rc_context(STYLE)
def growth_plot(steps: Sequence[Step], network: Interval) -> str:
    """Return AUROC against training patients as SVG: mean with its interval, and every fit.

    Args:
        steps: ascending.
        network: AUROC of the model of the report on the same test patients.
    """
    figure = Figure(figsize=(5.6, 4.2), layout="constrained")
    axes = figure.subplots()
    x = np.array([step.patients for step in steps])
    for place, step in zip(x, steps, strict=True):
        axes.plot(np.full(len(step.each), place), step.each, ".", color=GREY, ms=3, alpha=0.7)
    axes.plot([], [], ".", color=GREY, ms=3, label="one fit")
    value = np.array([step.auroc.value for step in steps])
    bars = np.array([[s.auroc.value - s.auroc.lo, s.auroc.hi - s.auroc.value] for s in steps])
    axes.errorbar(x, value, yerr=bars.T.clip(min=0), fmt="o-", color=BLUE, lw=1.8, ms=6, capsize=3,
                  label="logistic regression, 95 % interval")  # fmt: skip
    axes.plot([x[-1]], [network.value], "D", color=ORANGE, ms=6,
              label="the model of this report")  # fmt: skip
    axes.axhline(0.5, color=GREY, lw=1, ls="--", label="chance: 0.500")
    axes.set(title="Learning curve", ylabel="AUROC on test patients",
             xlabel="Training patients (with event)")  # fmt: skip
    axes.set_xticks(x, [f"{s.patients:,.0f}\n({s.events:,.0f})" for s in steps])
    axes.legend(loc="best", fontsize=9)
    return render(figure).decode()


def growth_table(steps: Sequence[Step], *, several: bool) -> Table:
    """Return one row per share: sizes, AUROC with interval, spread of the fits."""
    spread = "SD of folds and subsets" if several else "SD of subsets"
    header = ("Share", "Training patients", "With event", "Fits", "AUROC", spread)
    rows = tuple(
        (
            f"{100 * step.share:g} %",
            f"{step.patients:,.0f}",
            f"{step.events:,.0f}",
            f"{len(step.each):,}",
            step.auroc.text(),
            number(_spread(step.each)),
        )
        for step in steps
    )
    note = (
        f"Each subset holds the smaller ones of its draw. Intervals: {steps[0].auroc.method}; who "
        "was drawn to learn from shows in the spread."
    )
    return Table("Logistic regression on growing shares of the training patients", header, rows,
                 note)  # fmt: skip
