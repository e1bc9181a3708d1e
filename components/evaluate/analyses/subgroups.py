"""Subgroups: does the model serve every group of patients alike?"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from components.core.metrics.interval import Interval
from components.core.metrics.tables import PatientTables, headline_figures
from components.core.models.spec import DataSpec
from components.core.planted_truth import truth_summary
from components.core.report.forest import forest
from components.core.report.section import Plot, Section
from components.core.schemas import MANIFEST
from components.evaluate.analysis import Context
from components.evaluate.oracle import oracle_logits
from components.evaluate.subgroups import wording
from components.evaluate.subgroups.figures import ORACLE, Found, examine
from components.evaluate.subgroups.grouping import Column, columns_of

NAME = "subgroups"
ORDER = 40
# Kept in the tracking store; the widened gap only decides the mark.
_TRACKED = (
    "auroc", "auprc", "prevalence", "observed_expected", "calibration_slope", "auroc_gap",
)  # fmt: skip


def applies(context: Context) -> bool:
    """Return whether the data bring a column to divide by."""
    return bool(_columns(context))


def analyse(context: Context) -> Section:
    """Return figures by group, gaps to everyone else with intervals, and which of them count."""
    found = examine(_with_oracle(context), _columns(context), context.plan)
    everyone = headline_figures(context.tables, "logit", context.plan)["auroc"]
    svg = forest(
        wording.picture(found, everyone), title="AUROC by group (events of patients)",
        line=everyone.value, chance=0.5,
    )  # fmt: skip
    tables = (wording.ranked(found), wording.calibration(found), wording.listed(found))
    return Section(
        name=NAME,
        title="Does it serve every group of patients?",
        text=_text(context, found),
        tables=tuple(table for table in tables if table is not None and table.rows),
        plots=(Plot(name=NAME, svg=svg, alt="AUROC with interval in each group", wide=True),),
        notices=tuple(wording.notices(found)),
        figures=figures(found),
    )


def _text(context: Context, found: Found) -> tuple[str, ...]:
    told = wording.paragraphs(found, level=context.plan.level, planted=_planted(context))
    years = wording.years([group.column for group in found.groups], _encoder(context))
    return (*told, years) if years else told


def _encoder(context: Context) -> str:
    """Return the name of the frozen encoder that reads events or notes; empty without one."""
    facts = context.stages.cohort.facts
    found = facts.get("event_encoder") or facts.get("text_encoder")
    return str(found["model"]) if found else ""


def figures(found: Found) -> dict[str, Interval]:
    """Return what goes into the tracking store: sizes of all groups, figures of powered ones."""
    kept: dict[str, Interval] = {}
    for group in found.groups:
        name = f"subgroup/{group.key}"
        kept |= {f"{name}/patients": _count(group.patients), f"{name}/events": _count(group.events)}
        if group.powered:
            kept |= {f"{name}/{k}": group.figures[k] for k in _TRACKED if k in group.figures}
    return kept


def _columns(context: Context) -> tuple[Column, ...]:
    # Ingest's manifest has columns that this model was not given, too.
    manifest = pd.read_parquet(context.stages.ingest.folder / MANIFEST)
    return columns_of(manifest, context.task.evaluate.subgroups)


def _with_oracle(context: Context) -> PatientTables:
    spec = DataSpec.model_validate(next(iter(context.stages.train.facts["specs"].values())))
    oracle = oracle_logits(
        context.stages.ingest, spec, context.stages.train.facts["head"], context.tables.each
    )
    if oracle is None:
        return context.tables
    return replace(context.tables, each=context.tables.each.assign(**{ORACLE: oracle}))


def _planted(context: Context) -> str:
    """Return which gap the synthetic cohort holds; empty for other cohorts."""
    planted = truth_summary(context.stages.ingest)
    if planted is None:
        return ""
    gap = planted.get("subgroup_gap")
    if gap is None:
        return "No gap is planted in this synthetic cohort; what differs is case mix and chance."
    return (
        f"Planted in this synthetic cohort: in {gap['subgroup'].replace('=', ' ')} the ECG shows "
        f"{100 * gap['ecg_gain']:.0f} % of the vulnerability."
    )


def _count(size: int) -> Interval:
    nothing = float("nan")
    return Interval(float(size), nothing, nothing, 0, 0, "count")
