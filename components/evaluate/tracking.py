"""Names and values that an evaluation puts on its runs; the table is docs/tracking.md."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from components.core.config.task import TaskConfig
from components.core.contribution_facts import KEY, best
from components.core.control import is_control
from components.core.metrics.bootstrap import bootstrap
from components.core.metrics.delong import DeLong
from components.core.metrics.folds import FoldRow
from components.core.metrics.interval import Interval
from components.core.metrics.patients import by_patient
from components.core.metrics.resampling import Plan
from components.core.report.section import Section
from components.core.store import Stage
from components.evaluate.assemble import Evaluated
from components.evaluate.predictions import pooled_validation
from components.evaluate.report.data import ReportData
from components.evaluate.report.wording import evaluated_split, headline, notices
from components.evaluate.searched import bar_to_promotion

if TYPE_CHECKING:
    from components.core.upstream import Upstream

# Predictions for everyone to see; those beside it in the stage carry the hospital's ids.
PREDICTIONS = "published/predictions.parquet"
EMBEDDINGS = "published/embeddings"
PUBLISHED = (
    "report.html", "model_card.md", "model_card.html", "metrics_test.json", "metrics_val.json",
    PREDICTIONS,
)  # fmt: skip

# Figures that stand beside `test/`, not under it.
_OWN_NAMES = ("baseline/", "subgroup/", "robustness/")


def facts(stages: Upstream, task: TaskConfig, done: Evaluated, data: ReportData) -> dict[str, Any]:
    """Return what the stage says of itself: figures, tags, headline, files to be shown."""
    split = evaluated_split(data)
    figures: dict[str, float] = {
        "test/prevalence": split.prevalence,
        "test/records": float(split.records),
        "test/patients": float(split.patients),
        "test/events": float(split.events),
    }
    for name, interval in done.all_figures().items():
        key = name if name.startswith(_OWN_NAMES) else f"test/{name}"
        bounds = (("", interval.value), ("_lo", interval.lo), ("_hi", interval.hi))
        figures |= {f"{key}{end}": value for end, value in bounds if not math.isnan(value)}
    for name, test in done.delong.items():
        if isinstance(test, DeLong) and not math.isnan(test.p):
            figures[f"baseline/{name}/auroc_diff_delong_p"] = test.p
    if done.seeds:
        figures["test/auroc_seed_mean"] = float(np.mean([i.value for i in done.seeds.values()]))
    figures |= fold_spread(done.folds)
    waived = sorted(stages.audit.facts["waivers"])
    tags = {
        "test_split": stages.cohort.facts["test_split_sha256"],
        "data_fingerprint": stages.cohort.fingerprint,
        "model": task.model["name"],
        "audit": "waived: " + ", ".join(waived) if waived else "passed",
        "promotable": promotable(stages, waived),
    }
    for section in done.sections:
        tags |= section.tags
    if stages.home is not None:
        tags |= {
            "external": "yes",
            "trained_on": stages.origin.fingerprint,
        }
    kept = contributions(stages)
    return {
        **kept,
        "figures": figures | best(kept),
        "tags": tags,
        "published": [*PUBLISHED, *(name for each in done.sections for name in kept_files(each))],
        "headline": lines(data),
    }


def kept_files(section: Section) -> list[str]:
    """Return the files in which a section's tables are kept: the same rows as Parquet and JSON."""
    return [f"{name}{end}" for name in section.kept for end in (".parquet", ".json")]


def contributions(stages: Upstream) -> dict[str, Any]:
    """Return what the training says its modalities contribute; nothing of another cohort."""
    return {} if stages.home is not None else {KEY: stages.train.facts.get(KEY, [])}


def promotable(stages: Upstream, waived: list[str]) -> str:
    """Return `yes`, or `no` with the reason that bars the run from promotion.

    Args:
        stages: what the run came from.
        waived: names of the audit's checks that failed and were waived.
    """
    if stages.home is not None:
        return "no, an external validation makes no model"
    if is_control(stages.cohort):
        return "no, the labels were shuffled"
    if waived:
        return "no, a waived run cannot be promoted"
    if stages.audit.facts.get("unpaired"):
        return "no, its modalities are of different patients"
    bar = bar_to_promotion(stages)
    return f"no, {bar}" if bar else "yes"


def fold_spread(folds: list[FoldRow]) -> dict[str, float]:
    """Return the SD over folds and repeats of each figure; nothing for one fixed test part."""
    found: dict[str, float] = {}
    for name in folds[0].figures if folds else ():
        values = np.array([row.figures[name] for row in folds])
        if (~np.isnan(values)).sum() > 1:
            found[f"test/{name}_sd_folds"] = float(np.nanstd(values, ddof=1))
    return found


def lines(data: ReportData) -> list[str]:
    """Return what the terminal says at the end."""
    found = [headline(data)]
    for baseline in data.baselines:
        own, gap = baseline.figures["auroc"], baseline.difference["auroc"]
        found.append(f"  {baseline.name}: AUROC {own.text()}; model minus it {gap.text()}")
    if data.oracle is not None and data.share is not None:
        found.append(f"  best possible on this cohort: AUROC {data.oracle.text()}; "
                     f"share reached {data.share.text()}")  # fmt: skip
    return found + [f"  {notice.level}: {notice.text}" for notice in notices(data)]


def validation_figures(train: Stage, names: list[str], plan: Plan) -> dict[str, Interval]:
    """Return ranking figures on validation; optimistic, since early stopping has seen them."""
    patients = by_patient(pooled_validation(train, names))
    return bootstrap(
        patients.label,
        patients.logit,
        patients.patient_id,
        metrics=("auroc", "auprc"),
        weight=patients.weight,
        plan=plan,
    )
