"""Times to event: who has it earlier, and how likely by a horizon, the censored counted in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from components.core.metrics.incidence import cumulative_incidence
from components.core.metrics.interval import Interval
from components.core.metrics.ipcw import CENSORED, COMPETING, EVENT
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.metrics.tables import floats
from components.core.report.section import Notice, Plot, Section, Table
from components.evaluate.analysis import Context
from components.evaluate.follow_up import follow_up, has_times
from components.evaluate.follow_up_table import CODE, COX, NETWORK, TIME, FollowUp
from components.evaluate.report.incidence import Group, incidence_plot
from components.evaluate.survival_figures import GAP, SurvivalFigures, survival_figures
from components.evaluate.survival_tables import (
    ABSENT,
    absent,
    auc_table,
    brier_table,
    concordance_table,
)

NAME = "survival_view"
ORDER = 20
_TERTILES = ("lowest third", "middle third", "highest third")


def applies(context: Context) -> bool:
    """Return whether times to the label's own event are known, of the training's own cohort.

    A measured label has no times of its own, and a survival head has a section of its own.
    """
    label, heads = context.task.label, context.task.all_heads()
    measured = label.derive == "head" and label.horizon_days is None
    if context.external or measured or heads[label.name].kind == "survival":
        return False
    return has_times(context)


def analyse(context: Context) -> Section:
    """Return concordance, AUC and Brier score at horizons, and incidence by predicted risk."""
    found = follow_up(context)
    figures = survival_figures(found, context.plan)
    groups = _tertiles(found)
    until = found.horizons[-1] if found.horizons else float(found.pooled[TIME].max())
    tables = [concordance_table(found, figures)]
    if found.horizons:
        tables += [
            auc_table(found, figures),
            brier_table(found, figures),
            _by_risk(found, groups),
        ]
    alt = "Cumulative incidence over time in thirds of the predicted risk, numbers at risk below"
    plot = Plot(name=NAME, svg=incidence_plot(groups, until), alt=alt, wide=True)
    return Section(
        name=NAME,
        title="Who has the event earlier, and how likely by a given day?",
        text=tuple(_words(found)),
        tables=tuple(tables),
        plots=(plot,),
        notices=tuple(_notices(found, figures)),
        figures=dict(_tracked(found, figures)),
    )


def _words(found: FollowUp) -> Iterator[str]:
    code, size = floats(found.pooled, CODE), len(found.pooled)
    events, lost, died = (int((code == kind).sum()) for kind in (EVENT, CENSORED, COMPETING))
    yield (
        f"All {size:,} patients with known follow-up count: {events:,} with the event, {lost:,} "
        "censored without it" + (f", {died:,} dead without it." if died else ".")
    )
    yield (
        "C is the chance that of two patients the one with the earlier event had the higher score; "
        "the AUC at a day tells those with the event by then from the others; the Brier score is "
        "the squared error of the risk by that day, and low is good. Uno's C, AUC and Brier score "
        "weight for censoring, which is estimated once on these patients."
        + (" A death without the event counts as never having it." if died else "")
    )
    yield (
        "Cox regression has the covariates of the simple models and a ridge penalty chosen inside "
        "the patients it was fitted on. The network's risk by a day comes from its logit by a Cox "
        "model fitted on validation."
    )
    if found.left_out:
        days = ", ".join(f"{day:g}" for day in found.left_out)
        yield (
            f"Horizons left out, since fewer than {RARE_PATIENTS} patients were followed so far: "
            f"day {days}."
        )
    if found.untimed:
        yield f"{found.untimed} record(s) without follow-up time are left out of this section."
    for name, reason in found.missing.items():
        yield f"No {absent(name)}: {reason}."


def _tertiles(found: FollowUp) -> list[Group]:
    """Return the patients by third of the network's score, ties in one third."""
    frame = found.pooled
    score, time, code = floats(frame, NETWORK), floats(frame, TIME), floats(frame, CODE)
    third = np.digitize(score, np.quantile(score, [1 / 3, 2 / 3]), right=True)
    return [
        Group(name=name, time=time[third == place], code=code[third == place])
        for place, name in enumerate(_TERTILES)
        if (third == place).any()
    ]


def _by_risk(found: FollowUp, groups: list[Group]) -> Table:
    day = found.horizons[-1]
    rows: list[tuple[str, ...]] = []
    for group in groups:
        events = int(((group.code == EVENT) & (group.time <= day)).sum())
        few = " (underpowered)" if events < RARE_PATIENTS else ""
        incidence = ABSENT
        if group.time.max() >= day:
            incidence = cumulative_incidence(group.time, group.code, day).text()
        rows.append((group.name, f"{group.time.size:,}", f"{events:,}{few}", incidence))
    header = ("Predicted risk", "Patients", f"Events by day {day:g}", "Cumulative incidence")
    return Table("Incidence by predicted risk", header, tuple(rows))


def _notices(found: FollowUp, figures: SurvivalFigures) -> Iterator[Notice]:
    gap = figures.within.get(f"{GAP}:harrell_c")
    events = int((floats(found.pooled, CODE) == EVENT).sum())
    if events < RARE_PATIENTS:
        yield Notice(
            "warning", f"Times to event rest on {events} patients with the event: underpowered."
        )
    elif gap is not None and not gap.lo > 0:
        yield Notice(
            "note",
            "By times to event the network is not shown to be better than Cox regression: "
            f"difference of Harrell's C {gap.text()}.",
        )
    if COX in found.missing:
        yield Notice("note", "There is no Cox regression to compare with; its section says why.")


def _tracked(found: FollowUp, figures: SurvivalFigures) -> Iterator[tuple[str, Interval]]:
    """Yield each figure under its name in the tracking store."""
    for key, interval in figures.pooled.items():
        who, name = key.split(":")
        if who == NETWORK:
            yield name.replace("@", "/"), interval
    for key, interval in figures.within.items():
        who, name = key.split(":")
        if who == NETWORK and found.folded:
            yield f"{name.replace('@', '/')}_within_fold", interval
    for key, interval in (figures.pooled | figures.within).items():
        who, name = key.split(":")
        if who in (COX, GAP):
            end = "_diff" if who == GAP else ""
            yield f"baseline/cox/{name.replace('@', '/')}{end}", interval
    for day, interval in figures.incidence.items():
        yield f"cumulative_incidence/{day:g}", interval
