"""One line for every head: how many truths are known, how frequent, and its headline figures."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from components.core.config.heads import (
    BinaryHead,
    ClassesHead,
    ConfidenceHead,
    HeadConfig,
    SurvivalHead,
)
from components.core.metrics.interval import Interval
from components.core.metrics.ipcw import EVENT
from components.core.metrics.resampling import RARE_PATIENTS, Plan
from components.core.metrics.tables import PatientTables, floats, headline_figures
from components.evaluate.follow_up_table import CODE, HEAD
from components.evaluate.heads.classes import class_figures_of
from components.evaluate.heads.confidence import confidence_figures, judged
from components.evaluate.heads.survival import has_follow_up, own_follow_up
from components.evaluate.heads.tables import binary_tables, known
from components.evaluate.power import class_sizes, is_small, prevalence
from components.evaluate.report.wording import percent
from components.evaluate.survival_figures import survival_figures

_NOTHING_KNOWN = "no truth known in the test part"


@dataclass(frozen=True, kw_only=True)
class Line:
    """A head's line.

    Attributes:
        head: its name.
        kind: what it answers, in words.
        known: patients (of a confidence head answers) with known truth.
        prevalence: in words.
        powered: at least 20 patients of either class, or of the rarest category.
        figures: title → headline figure; empty without any truth.
        tracked: name under `head/<head>/` → figure, for what no other section tracks.
    """

    head: str
    kind: str
    known: int
    prevalence: str
    powered: bool
    figures: dict[str, Interval]
    tracked: dict[str, Interval]


def line(
    frame: pd.DataFrame, name: str, head: HeadConfig, plan: Plan, *, tables: PatientTables | None
) -> Line:
    """Return the line of a head.

    Args:
        frame: the table of heads.
        name: of the head.
        head: its settings.
        plan: the bootstrap.
        tables: of a binary head, where they are not to be made from `frame` with weights of 1.

    Raises:
        CardioError: a column is missing.
    """
    if isinstance(head, BinaryHead):
        return _binary(frame, name, plan, tables)
    if isinstance(head, SurvivalHead):
        return _survival(frame, name, head, plan)
    if isinstance(head, ClassesHead):
        return _classes(frame, name, head, plan)
    return _confidence(frame, name, head, plan)


def _empty(name: str, kind: str) -> Line:
    return Line(head=name, kind=kind, known=0, prevalence=_NOTHING_KNOWN, powered=False,
                figures={}, tracked={})  # fmt: skip


def _binary(frame: pd.DataFrame, name: str, plan: Plan, tables: PatientTables | None) -> Line:
    if tables is None and not len(known(frame, name)):
        return _empty(name, "yes or no")
    own = binary_tables(frame, name) if tables is None else tables
    found = headline_figures(own, "logit", plan)
    return Line(
        head=name,
        kind="yes or no",
        known=sum(class_sizes(own.pooled)),
        prevalence=percent(prevalence(own.pooled)),
        powered=not is_small(own.pooled),
        figures={"AUROC": found["auroc"], "AUPRC": found["auprc"]},
        tracked={"auroc": found["auroc"], "auprc": found["auprc"]},
    )


def _survival(frame: pd.DataFrame, name: str, head: SurvivalHead, plan: Plan) -> Line:
    kind = "risk by " + ", ".join(f"{day:g}" for day in head.horizons_days) + " days"
    if not has_follow_up(frame, head.endpoint):
        return _empty(name, kind)
    found = own_follow_up(frame, name, head)
    figures = survival_figures(found, plan, errors=False)
    events = int((floats(found.pooled, CODE) == EVENT).sum())
    shown = {"Uno's C": figures.within[f"{HEAD}:uno_c"]}
    share = f"{events:,} events"
    if found.horizons:
        day = found.horizons[-1]
        shown[f"AUC at day {day:g}"] = figures.within[f"{HEAD}:time_auc@{day:g}"]
        share += f", incidence {percent(figures.incidence[day].value)} by day {day:g}"
    return Line(head=name, kind=kind, known=len(found.pooled), prevalence=share,
                powered=events >= RARE_PATIENTS, figures=shown, tracked={})  # fmt: skip


def _classes(frame: pd.DataFrame, name: str, head: ClassesHead, plan: Plan) -> Line:
    kind = " / ".join(head.classes)
    if not len(known(frame, name)):
        return _empty(name, kind)
    found = class_figures_of(frame, name, head, plan)
    shares = [percent(size / found.patients) for size in found.sizes]
    names = {"Kappa (quadratic)": "quadratic_kappa", "Macro F1": "macro_f1"}
    return Line(
        head=name,
        kind=kind,
        known=found.patients,
        prevalence=" / ".join(shares),
        powered=min(found.sizes) >= RARE_PATIENTS,
        figures={title: found.figures[figure] for title, figure in names.items()},
        tracked={},
    )


def _confidence(frame: pd.DataFrame, name: str, head: ConfidenceHead, plan: Plan) -> Line:
    kind = f"is the answer of '{head.of}' right"
    if not len(known(frame, name)):
        return _empty(name, kind)
    found = judged(frame, name, head)
    figures = confidence_figures(found, plan)
    shown = {
        "AUROC of being wrong": figures["head|wrong_auroc"],
        "AURC": figures["head|aurc"],
    }
    return Line(head=name, kind=kind, known=found.records, powered=found.powered,
                prevalence=f"{percent(figures['wrong'].value)} wrong", figures=shown,
                tracked={})  # fmt: skip
