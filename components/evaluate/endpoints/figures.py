"""Figures of a binary head with a horizon, each patient weighted by that head's own censoring."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from components.core.metrics.bootstrap import bootstrap
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import (
    Figures,
    PatientTables,
    floats,
    headline_figures,
    patient_table,
    pooled,
    sigmoid,
)
from components.evaluate.analysis import Context
from components.evaluate.endpoints.counts import died_before
from components.evaluate.endpoints.outlook import Outlook
from components.evaluate.heads.tables import binary_tables, is_folded
from components.evaluate.power import class_sizes, is_small, prevalence

# Death without the event as a known non-event, and the older view that leaves these patients out.
KNOWN, LEFT_OUT = "", "without_competing"
# What a figure is read from, beside the log-odds themselves: what validation has to teach.
TAUGHT = {"f1": "margin", "brier": "calibrated_logit", "ece": "calibrated_logit"}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A head under one view of the patients who died without the event.

    Attributes:
        outlook: the head.
        view: `KNOWN` or `LEFT_OUT`.
        patients: with a known outcome.
        events: of them with the event.
        prevalence: weighted by inverse probability of censoring.
        powered: at least 20 patients of either class.
        figures: `auroc`, `auprc` (within folds under cross-validation), `f1` at the threshold of
            validation, `brier`, `ece`; empty where a class has nobody, without those of `untaught`.
        folds: tested.
        untaught: figure → in how many folds validation had one class only of the endpoint and
            taught no threshold or recalibration; pooled over the others it would be of some
            patients alone.
    """

    outlook: Outlook
    view: str
    patients: int
    events: int
    prevalence: float
    powered: bool
    figures: Figures
    folds: int = 1
    untaught: dict[str, int] = field(default_factory=dict[str, int])


def tables_of(context: Context, outlook: Outlook, *, view: str = KNOWN) -> PatientTables:
    """Return a head's predictions in the form of the headline's figures.

    Args:
        context: with the table of heads.
        outlook: the head.
        view: of the patients who died without the event.

    Raises:
        CardioError: there is no table of heads, or it lacks a column.
    """
    frame = heads_of(context)
    if view == LEFT_OUT:
        frame = frame[~died_before(frame, outlook)]
    if not outlook.primary:
        return binary_tables(frame, outlook.name)
    kept = context.predictions[context.predictions["sample_id"].isin(frame["sample_id"])]
    columns = ["logit", "calibrated_logit", "margin"]
    each = patient_table(kept, columns)
    return PatientTables(each=each, pooled=pooled(each, columns), folded=is_folded(kept))


def heads_of(context: Context) -> pd.DataFrame:
    """Return the table of heads; an empty one where there is none."""
    return context.heads if context.heads is not None else pd.DataFrame()


def judge(tables: PatientTables, outlook: Outlook, plan: Plan, *, view: str = KNOWN) -> Judged:
    """Return the figures of a head over the patients of `tables`."""
    events, others = class_sizes(tables.pooled)
    untaught = _untaught(tables)
    return Judged(
        outlook=outlook,
        view=view,
        patients=events + others,
        events=events,
        prevalence=prevalence(tables.pooled) if events + others else float("nan"),
        powered=not is_small(tables.pooled),
        figures=_figures(tables, plan, set(untaught)) if min(events, others) else {},
        folds=len(tables.each[_FOLD].drop_duplicates()),
        untaught=untaught,
    )


_FOLD = ["repeat", "fold"]


def _untaught(tables: PatientTables) -> dict[str, int]:
    lost = {
        name: len(tables.each.loc[tables.each[column].isna(), _FOLD].drop_duplicates())
        for name, column in TAUGHT.items()
    }
    return {name: folds for name, folds in lost.items() if folds}


def _figures(tables: PatientTables, plan: Plan, untaught: set[str]) -> Figures:
    frame, found = tables.pooled, headline_figures(tables, "logit", plan)
    y, weight, patient = floats(frame, "label"), floats(frame, "weight"), frame["patient_id"]
    groups = patient.to_numpy()
    if "f1" not in untaught:
        margin = floats(frame, "margin")
        found |= bootstrap(
            y, margin, groups, metrics=("f1",), weight=weight, threshold=0.0, plan=plan
        )
    if "brier" not in untaught:
        prob = sigmoid(floats(frame, "calibrated_logit"))
        found |= bootstrap(y, prob, groups, metrics=("brier", "ece"), weight=weight, plan=plan)
    return found
