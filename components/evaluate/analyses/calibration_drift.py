"""Calibration drift: does a risk mean in the other cohort what it meant in the training's own?

Slope, intercepts and observed/expected ratio after the internal recalibration, as Van Calster et
al. 2016 (J Clin Epidemiol 74:167) rank them for external validation.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from components.core.metrics.bootstrap import intervals
from components.core.metrics.checks import FloatArray
from components.core.metrics.interval import percentile
from components.core.metrics.metric import RowWeights, Sample, Statistic, joined, statistics_for
from components.core.metrics.registry import named
from components.core.metrics.resampling import RARE_PATIENTS, Plan, clusters, replicate
from components.core.metrics.tables import Figures, floats, patient_tables, sigmoid
from components.core.report.section import Notice, Plot, Section, Table
from components.core.store import Stage
from components.evaluate.analysis import Context
from components.evaluate.report.drift import Cohort, drift_plot

NAME = "calibration_drift"
ORDER = 5
_METRICS = ("calibration_slope", "calibration_intercept", "calibration_in_the_large", "auroc")
RATIO = "observed_expected"
_TITLES = {RATIO: "Observed / expected events"}
_IDEAL = {"calibration_slope": "1", RATIO: "1", "auroc": "higher"}


def applies(context: Context) -> bool:
    """Return whether this is an external validation."""
    return context.stages.home is not None


def analyse(context: Context) -> Section:
    """Return external figures beside the internal ones, with the difference and both curves."""
    frame, plan = context.tables.pooled, context.plan
    outside = figures(frame, plan)
    internal = context.stages.internal
    if internal is None:
        return _alone(frame, outside)
    own = _predictions(internal)
    inside, gap = figures(own, plan), unpaired(frame, own, plan)
    rows = tuple(
        (_title(n), inside[n].text(), outside[n].text(), gap[n].text(), _IDEAL.get(n, "0"))
        for n in outside
    )
    header = ("Figure", "Internal test part", "External cohort", "External minus internal", "Ideal")
    sizes = f"Internal: {_size(own)}. External: {_size(frame)}."
    note = f"{sizes} The patients differ, so the difference is of independent draws."
    svg = drift_plot(Cohort("internal", own), Cohort("external", frame))
    return Section(
        name=NAME,
        title="Does a risk mean the same in the other cohort?",
        text=("Both after the recalibration that was fitted on the internal validation part.",),
        tables=(Table("Calibration drift", header, rows, note),),
        plots=(
            Plot(name=NAME, svg=svg, alt="Observed share against predicted risk, both cohorts"),
        ),
        notices=_underpowered(frame),
        figures={RATIO: outside[RATIO]} | {f"drift/{name}": found for name, found in gap.items()},
    )


def figures(frame: pd.DataFrame, plan: Plan) -> Figures:
    """Return slope, intercepts, AUROC and observed/expected with intervals.

    Args:
        frame: one row per patient with `label`, `weight`, `calibrated_logit`, `patient_id`.
        plan: how to resample.
    """
    y, weight = floats(frame, "label"), floats(frame, "weight")
    within = clusters(frame["patient_id"].to_numpy(), y, weight=weight, plan=plan)
    return intervals(_statistic(frame), within, weight=weight, plan=plan)


def unpaired(frame: pd.DataFrame, other: pd.DataFrame, plan: Plan) -> Figures:
    """Return the figures of `frame` minus those of `other`, whose patients are others."""
    both = ((frame, plan.seed), (other, plan.seed + 1))
    draws, values = [], []
    for each, seed in both:
        own = Plan(draws=plan.draws, seed=seed, strata=plan.strata, level=plan.level)
        y, weight = floats(each, "label"), floats(each, "weight")
        within = clusters(each["patient_id"].to_numpy(), y, weight=weight, plan=own)
        statistic = _statistic(each)
        draws.append(replicate(statistic, within, weight=weight, plan=own))
        values.append(statistic.value(RowWeights.observed(len(each), weight)))
    method = f"{plan.level * 100:g} % percentile bootstrap, independent draws of both cohorts"
    gap = draws[0] - draws[1]
    return {
        name: percentile(values[0][name] - values[1][name], gap[:, column], level=plan.level,
                         method=method)
        for column, name in enumerate(values[0])
    }  # fmt: skip


def _statistic(frame: pd.DataFrame) -> Statistic:
    y, weight = floats(frame, "label"), floats(frame, "weight")
    prob = sigmoid(floats(frame, "calibrated_logit"))
    sample = Sample(y=y, score=prob, weight=weight)
    return joined([statistics_for(sample, named(_METRICS)), _ratio(y, prob)])


def _ratio(y: FloatArray, prob: FloatArray) -> Statistic:
    columns = np.stack([y, prob], axis=1)

    def evaluate(weights: RowWeights) -> FloatArray:
        observed, expected = weights.totals(columns).T
        with np.errstate(invalid="ignore", divide="ignore"):
            return (observed / expected)[:, None]

    return Statistic((RATIO,), evaluate)


def _alone(frame: pd.DataFrame, outside: Figures) -> Section:
    rows = tuple((_title(n), outside[n].text(), _IDEAL.get(n, "0")) for n in outside)
    note = f"External: {_size(frame)}."
    text = (
        "No finished evaluation on the training's own test part was found, so nothing stands "
        "beside the external figures; evaluate the training without 'cohort' first."
    )
    return Section(
        name=NAME,
        title="Does a risk mean the same in the other cohort?",
        text=(text,),
        tables=(Table("Calibration", ("Figure", "External cohort", "Ideal"), rows, note),),
        plots=(
            Plot(name=NAME, svg=drift_plot(Cohort("external", frame)), alt="Observed share against "
                 "predicted risk in the external cohort"),
        ),
        notices=_underpowered(frame),
        figures={RATIO: outside[RATIO]},
    )  # fmt: skip


def _underpowered(frame: pd.DataFrame) -> tuple[Notice, ...]:
    events = int(floats(frame, "label").sum())
    if min(events, len(frame) - events) >= RARE_PATIENTS:
        return ()
    text = f"Calibration drift rests on {events} events: underpowered, read the intervals."
    return (Notice("warning", text),)


def _predictions(internal: Stage) -> pd.DataFrame:
    table = pd.read_parquet(internal.folder / "predictions.parquet")
    return patient_tables(table, folded=len(set(table["split"])) > 1).pooled


def _size(frame: pd.DataFrame) -> str:
    y, weight = floats(frame, "label"), floats(frame, "weight")
    share = 100 * float(np.average(y, weights=weight))
    return f"{len(frame):,} patients, {int(y.sum()):,} events, prevalence {share:.1f} %"


def _title(name: str) -> str:
    return _TITLES.get(name) or named([name])[0].title
