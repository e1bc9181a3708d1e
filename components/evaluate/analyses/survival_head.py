"""The survival head: is the network's own cumulative incidence right, and better than Cox?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from components.core.config.heads import SurvivalHead
from components.core.metrics.interval import Interval, number
from components.core.metrics.ipcw import CENSORED, COMPETING, EVENT
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.metrics.survival_calibration import RiskGroup, gap_by_chance
from components.core.metrics.tables import Figures, floats
from components.core.report.section import Notice, Plot, Section, Table
from components.evaluate.analysis import Context
from components.evaluate.follow_up import follow_up
from components.evaluate.follow_up_table import CODE, COX, HEAD, FollowUp
from components.evaluate.heads.survival import (
    beside_cox,
    calibration,
    has_follow_up,
    impossible,
    own_follow_up,
)
from components.evaluate.heads.tables import key, merged, of_kind
from components.evaluate.report.calibration_panels import calibration_panels
from components.evaluate.subgroups.grouping import safe
from components.evaluate.survival_figures import GAP, SurvivalFigures, survival_figures
from components.evaluate.survival_tables import (
    absent,
    auc_table,
    brier_table,
    concordance_table,
)

NAME = "survival_head"
ORDER = 21
_TITLE = "Can the survival head's risks be relied on?"
_FOREIGN = "it is fitted to the training's own cohort only"


def applies(context: Context) -> bool:
    """Return whether there is a survival head and somebody had its event at a known time."""
    return bool(_judged(context))


def analyse(context: Context) -> Section:
    """Return discrimination, Brier score and calibration of the head's risks at its horizons."""
    heads = _judged(context)
    return merged(NAME, _TITLE, {name: _section(context, name, heads[name]) for name in heads})


def _judged(context: Context) -> dict[str, SurvivalHead]:
    """Return the survival heads of whose endpoint somebody had the event at a known time."""
    heads, frame = of_kind(context.task.all_heads(), SurvivalHead), context.heads
    if frame is None:
        return {}
    return {name: head for name, head in heads.items() if has_follow_up(frame, head.endpoint)}


def _section(context: Context, name: str, head: SurvivalHead) -> Section:
    frame = context.heads if context.heads is not None else pd.DataFrame()
    alone = own_follow_up(frame, name, head)
    found, lost = beside_cox(alone, _cox(context, alone, head.endpoint))
    figures = survival_figures(found, context.plan)
    own, groups = calibration(found, context.plan)
    wrong = impossible(frame, name, head)
    tables = [concordance_table(found, figures)]
    if found.horizons:
        tables += [
            auc_table(found, figures),
            brier_table(found, figures),
            _table(figures, own, groups),
        ]
    return Section(
        name=NAME,
        title=_TITLE,
        text=(*_words(found, lost), *_possible(*wrong)),
        tables=tuple(tables),
        plots=tuple(_plots(name, own, groups)),
        notices=tuple(_notices(name, found, figures, wrong)),
        figures=dict(_tracked(name, figures, own)),
    )


def _cox(context: Context, found: FollowUp, endpoint: str) -> FollowUp:
    if context.external:
        return replace(found, missing={COX: _FOREIGN, f"{COX}@": _FOREIGN})
    return follow_up(context, compared=(COX,), at=found.horizons, endpoint=endpoint)


def _words(found: FollowUp, lost: int) -> Iterator[str]:
    code = floats(found.pooled, CODE)
    events, gone, died = (int((code == kind).sum()) for kind in (EVENT, CENSORED, COMPETING))
    yield (
        f"The head's own cumulative incidence in {len(found.pooled):,} patients with known "
        f"follow-up: {events:,} with the event, {gone:,} censored without it, {died:,} dead "
        "without it. C ranks patients by the risk by the last horizon, the AUC at a day by the "
        "risk by that day. Cox regression has the covariates of the simple models; it may have "
        "fewer inputs than the network."
    )
    if found.untimed:
        yield (
            f"{found.untimed:,} record(s) without a time are left out: the follow-up is not "
            "known, or the disease was there at the index date already."
        )
    if lost:
        yield f"{lost:,} patient(s) whom one of both models has no answer for are left out."
    if found.left_out:
        days = ", ".join(f"{day:g}" for day in found.left_out)
        yield (
            f"Horizons left out, since fewer than {RARE_PATIENTS} patients were followed so far: "
            f"day {days}."
        )
    for name, reason in found.missing.items():
        yield f"No {absent(name)}: {reason.rstrip('.')}."


def _possible(falls: int, outside: int) -> Iterator[str]:
    if not falls and not outside:
        yield "No record's risk falls with time, and none lies outside what is possible."
        return
    yield (
        f"{falls:,} record(s) have a risk that falls with time and {outside:,} one outside what "
        "is possible: the head is at fault, and its risks must not be used."
    )


def _table(
    found: SurvivalFigures, figures: Figures, groups: dict[float, tuple[RiskGroup, ...]]
) -> Table:
    names = ("predicted", "observed_expected", "calibration_error")
    rows: list[tuple[str, ...]] = []
    for day, each in groups.items():
        events = sum(group.events for group in each)
        few = " (underpowered)" if events < RARE_PATIENTS else ""
        cells = [figures[f"{name}@{day:g}"].text() for name in names]
        observed = found.incidence[day].text()
        rows.append((f"day {day:g}", f"{events:,}{few}", observed, *cells,
                     number(gap_by_chance(each)), str(len(each))))  # fmt: skip
    header = ("By", "Events", "Observed", "Mean predicted", "Observed / expected",
              "Mean gap over groups", "Gap by chance alone",
              "Groups")  # fmt: skip
    note = (
        "Observed is the cumulative incidence (Aalen-Johansen). Observed / expected: 1 is ideal, "
        f"above 1 the risks are too low. As many groups as there are {RARE_PATIENTS} events for "
        "each, ten at most. Gap by chance alone: what perfectly calibrated risks would show."
    )
    return Table("Calibration of the risk by each horizon", header, tuple(rows), note)


def _plots(
    name: str, figures: Figures, groups: dict[float, tuple[RiskGroup, ...]]
) -> Iterator[Plot]:
    if not groups:
        return
    ratio = {day: figures[f"observed_expected@{day:g}"] for day in groups}
    yield Plot(
        name=f"{NAME}_{safe(name)}",
        svg=calibration_panels(groups, ratio),
        alt="Observed cumulative incidence against the predicted risk by each horizon",
        wide=True,
    )


def _notices(
    name: str, found: FollowUp, figures: SurvivalFigures, wrong: tuple[int, int]
) -> Iterator[Notice]:
    events = int((floats(found.pooled, CODE) == EVENT).sum())
    gap = figures.within.get(f"{GAP}:uno_c")
    if any(wrong):
        yield Notice(
            "warning", f"The head '{name}' gives risks that fall with time or are impossible."
        )
    if events < RARE_PATIENTS:
        yield Notice(
            "warning", f"The head '{name}' rests on {events} patients with the event: underpowered."
        )
    elif gap is not None and not gap.lo > 0:
        yield Notice(
            "note",
            f"The head '{name}' is not shown to rank patients better than Cox regression: "
            f"difference of Uno's C {gap.text()}.",
        )


def _tracked(name: str, figures: SurvivalFigures, own: Figures) -> Iterator[tuple[str, Interval]]:
    """Yield each figure under its name in the tracking store; ranking ones within folds."""
    for label, interval in (figures.pooled | figures.within).items():
        who, figure = label.split(":")
        if who in (HEAD, GAP):
            what, _, day = figure.partition("@")
            parts = [f"{what}_minus_cox" if who == GAP else what, *([day] if day else [])]
            yield key(name, "/".join(parts)), interval
    for label, interval in own.items():
        figure, day = label.split("@")
        if figure in ("observed_expected", "calibration_error"):
            yield key(name, f"{figure}/{day}"), interval
