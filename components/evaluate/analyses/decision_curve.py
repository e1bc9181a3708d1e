"""Decision curve: is deciding by the model worth more than treating everyone, or no one?"""

from __future__ import annotations

import numpy as np

from components.core.metrics.bootstrap import intervals
from components.core.metrics.checks import FloatArray
from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.resampling import clusters
from components.core.metrics.tables import floats, sigmoid
from components.core.metrics.utility import net_benefit
from components.core.report.section import Plot, Section, Table
from components.evaluate.analysis import Context
from components.evaluate.report import curves

NAME = "decision_curve"
ORDER = 30
# From one avoided event being worth 99 needless treatments to it being worth one.
_GRID = np.linspace(0.01, 0.50, 50)
# Thresholds of the table: among those at which cardioprotective therapy is discussed (low to very
# high risk in the 2022 ESC guideline: 2, 10 and 20 %), and one above.
_TABLE = (0.02, 0.05, 0.10, 0.20, 0.30)


def applies(context: Context) -> bool:
    """Return True: every task with a probability has one."""
    del context
    return True


def analyse(context: Context) -> Section:
    """Return net benefit over thresholds, with intervals, on the recalibrated probability."""
    frame = context.tables.pooled
    y, prob = floats(frame, "label"), sigmoid(floats(frame, "calibrated_logit"))
    weight = floats(frame, "weight")
    statistic = net_benefit(y, prob, _GRID)
    within = clusters(frame["patient_id"].to_numpy(), y, weight=weight, plan=context.plan)
    found = intervals(_with_gain(statistic), within, weight=weight, plan=context.plan, note="")
    svg = curves.decision_curve(_GRID, _series(found, "model"), _series(found, "all"))
    alt = "Net benefit against threshold probability, for the model, for treating all and for none"
    return Section(
        name=NAME,
        title="Is it worth deciding by the model?",
        text=(
            "Net benefit is the share of true positives minus that of false positives, the latter "
            "weighed by the odds of the threshold: at 10 % one event found is worth nine needless "
            "treatments. Treating no one is worth 0.",
        ),
        tables=(_table(found),),
        plots=(Plot(name=NAME, svg=svg, alt=alt),),
        figures={f"net_benefit/{100 * t:g}": found[f"model@{t:g}"] for t in _TABLE},
    )


def _with_gain(statistic: Statistic) -> Statistic:
    """Return the figures, and the model's net benefit minus that of treating everyone."""

    def evaluate(weights: RowWeights) -> FloatArray:
        found = statistic.evaluate(weights)
        return np.hstack([found, found[:, : _GRID.size] - found[:, _GRID.size :]])

    gains = tuple(f"gain@{t:g}" for t in _GRID.tolist())
    return Statistic(statistic.names + gains, evaluate)


def _series(found: dict[str, Interval], who: str) -> list[Interval]:
    return [found[f"{who}@{t:g}"] for t in _GRID.tolist()]


def _table(found: dict[str, Interval]) -> Table:
    header = ("Threshold", "Model", "Treating everyone", "Model minus treating everyone")
    rows = tuple(
        (f"{100 * t:g} %", *(found[f"{who}@{t:g}"].text() for who in ("model", "all", "gain")))
        for t in _TABLE
    )
    note = "Per patient. Above 0 in the last column: the model spares needless treatment."
    return Table("Net benefit at some thresholds", header, rows, note)
