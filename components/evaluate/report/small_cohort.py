"""Pictures and tables of the analyses that matter most where patients are few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from components.core.metrics.folds import FoldRow
from components.core.metrics.interval import Interval, number
from components.evaluate.report.plots import BLUE, GREY, STYLE, render
from components.evaluate.report.section import Table

if TYPE_CHECKING:
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
    values = np.array([row.figures["auroc"] for row in rows])
    known = values[~np.isnan(values)]
    return float(known.std(ddof=1)) if known.size > 1 else float("nan")
