"""Operating points: what calling patients positive at a risk of t would mean, for any t."""

from __future__ import annotations

from typing import Any

import numpy as np

from components.core.metrics.bootstrap import intervals
from components.core.metrics.checks import FloatArray
from components.core.metrics.cutoffs import FIGURES, operating_points
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import RARE_PATIENTS, clusters
from components.core.metrics.tables import floats, sigmoid
from components.core.report.section import Live, Section, Table
from components.evaluate.analysis import Context

NAME = "operating_points"
ORDER = 20
# Round thresholds, as people speak of them, closer together where rare events have their risks.
# Fixed ones: the predictions of single patients are not to be read off them.
_GRID = np.round(
    np.concatenate([
        np.arange(1, 100) / 1000, np.arange(20, 100) / 200, np.arange(50, 100) / 100
    ]), 4,
)  # fmt: skip
# Those of the decision curve: 2, 10 and 20 % part the risk groups of the 2022 ESC guideline.
_TABLE = (0.02, 0.05, 0.10, 0.20, 0.30)
_TITLES = ("Sensitivity", "Specificity", "PPV", "NPV", "Net benefit")


def applies(context: Context) -> bool:
    """Return True: every task with a probability has one."""
    del context
    return True


def analyse(context: Context) -> Section:
    """Return the figures at any threshold, with intervals, on the recalibrated probability."""
    frame = context.tables.pooled
    y, prob, weight = (
        floats(frame, "label"), sigmoid(floats(frame, "calibrated_logit")), floats(frame, "weight"),
    )  # fmt: skip
    chosen = chosen_threshold(context)
    grid = np.unique(np.append(_GRID, [] if chosen is None else [chosen]))
    within = clusters(frame["patient_id"].to_numpy(), y, weight=weight, plan=context.plan)
    statistic = operating_points(y, prob, grid)
    found = intervals(statistic, within, weight=weight, plan=context.plan)
    prevalence = float(np.average(y, weights=weight))
    rare = min(y[weight > 0].sum(), (1 - y[weight > 0]).sum()) < RARE_PATIENTS
    live = None if rare else _live(found, grid[grid <= prob.max()], chosen, prevalence)
    return Section(
        name=NAME,
        title="What would a threshold mean?",
        text=_text(rare=bool(rare)),
        tables=(_table(found, chosen, prevalence, counted=not rare),),
        live=live,
    )


def chosen_threshold(context: Context) -> float | None:
    """Return the operating point as a recalibrated probability in (0, 1).

    None under cross-validation, where each fold has its own, and where it does not call the same
    patients as on the logit's scale, where it was chosen (a flat stretch of the recalibration).
    """
    frame = context.tables.pooled
    called = floats(frame, "margin") >= 0
    if context.tables.folded or called.all() or not called.any():
        return None
    own = context.tests[0].calibration
    risk = float(sigmoid(own.recalibrator.logit(np.array([own.threshold])))[0])
    same = (sigmoid(floats(frame, "calibrated_logit")) >= risk) == called
    return risk if same.all() and 0 < risk < 1 else None


def _text(*, rare: bool) -> tuple[str, ...]:
    base = (
        "A patient is called positive at a predicted risk at or above the threshold. The threshold "
        "is for clinicians to choose, by what a missed event and a needless treatment cost; none "
        "of those below was chosen on these patients."
    )
    warning = (
        f"Underpowered: fewer than {RARE_PATIENTS} patients in one class. Read the intervals; "
        "counts among 1,000 patients are not given."
    )
    return (base, warning) if rare else (base,)


def _table(
    found: dict[str, Interval], chosen: float | None, prevalence: float, *, counted: bool
) -> Table:
    header = ("Threshold", *_TITLES[:-1], *(("Of 1,000 patients",) if counted else ()))
    rows: list[tuple[str, ...]] = []
    for t in sorted({*_TABLE, *(() if chosen is None else (chosen,))}):
        row = [found[f"{figure}@{t:g}"] for figure in FIGURES]
        name = f"{100 * t:.3g} %{' (chosen on validation)' if t == chosen else ''}"
        counts = (_of_a_thousand(row[0].value, row[1].value, prevalence),) if counted else ()
        rows.append((name, *(each.text(2) for each in row[:-1]), *counts))
    note = "With 95 % intervals; undefined: no patient is called so."
    return Table("Figures at some thresholds", header, tuple(rows), note)


def _of_a_thousand(sensitivity: float, specificity: float, prevalence: float) -> str:
    sick = 1000 * prevalence
    hits, false = sensitivity * sick, (1 - specificity) * (1000 - sick)
    return f"{hits + false:.0f} called, {hits:.0f} of them with event; {sick - hits:.0f} missed"


def _live(
    found: dict[str, Interval], grid: FloatArray, chosen: float | None, prevalence: float
) -> Live | None:
    if grid.size < 2:
        return None
    start = prevalence if chosen is None else chosen
    return Live(
        kind="thresholds",
        data={
            "threshold": grid.tolist(),
            "start": int(np.abs(grid - start).argmin()),
            "chosen": chosen,
            "prevalence": round(prevalence, 5),
            "figures": {
                figure: {"title": title, **_series(found, figure, grid)}
                for figure, title in zip(FIGURES, _TITLES, strict=True)
            },
        },
    )


def _series(found: dict[str, Interval], figure: str, grid: FloatArray) -> dict[str, list[Any]]:
    each = [found[f"{figure}@{t:g}"] for t in grid.tolist()]
    return {
        part: [_rounded(getattr(interval, part)) for interval in each]
        for part in ("value", "lo", "hi")
    }


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)
