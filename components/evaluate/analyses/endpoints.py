"""Endpoints: how good is each risk by its day, and how good are the times to each?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from components.core.config.heads import SurvivalHead
from components.core.metrics.interval import Interval
from components.core.report.forest import Row, forest
from components.core.report.section import Notice, Plot, Section
from components.evaluate.analysis import Context
from components.evaluate.endpoints.counts import Counts, counts_of
from components.evaluate.endpoints.figures import (
    KNOWN,
    LEFT_OUT,
    Judged,
    heads_of,
    judge,
    tables_of,
)
from components.evaluate.endpoints.outlook import has_endpoints, outlooks, tracked
from components.evaluate.endpoints.telling import (
    counts_table,
    figures_table,
    kept,
    times_table,
    title_of,
    untaught_notice,
)
from components.evaluate.follow_up_table import FollowUp
from components.evaluate.heads.calibrated import one_sided
from components.evaluate.heads.survival import has_follow_up, own_follow_up
from components.evaluate.heads.tables import of_kind
from components.evaluate.survival_figures import SurvivalFigures, survival_figures

NAME = "endpoints"
ORDER = 1


def applies(context: Context) -> bool:
    """Return whether a head answers of another endpoint than the label's."""
    return context.heads is not None and has_endpoints(context.task.all_heads())


def analyse(context: Context) -> Section:
    """Return counts and figures of every endpoint, binary and as times."""
    found = [(each, _counts(context, each)) for each in _judged(context)]
    times = dict(_times(context))
    each = [judged for judged, _ in found]
    tables = [
        counts_table([(judged, counts) for judged, counts in found if judged.view == KNOWN]),
        figures_table(each, folded=context.tables.folded),
    ]
    return Section(
        name=NAME,
        title="How good is it for each endpoint?",
        text=tuple(_words(found)),
        tables=(*tables, *([times_table(times)] if times else [])),
        plots=tuple(_plots(each)),
        notices=(*_notices(each), *_unanswered(context, each)),
        figures=_tracked(each),
        kept={NAME: kept(found, times, _endpoints(context))},
    )


def _judged(context: Context) -> Iterator[Judged]:
    """Yield each head, and once more without the patients who died before, where there are any."""
    frame = heads_of(context)
    for outlook in outlooks(context.task):
        views = [KNOWN, LEFT_OUT] if counts_of(frame, outlook).competing else [KNOWN]
        for view in views:
            tables = tables_of(context, outlook, view=view)
            yield judge(tables, outlook, context.plan, view=view)


def _counts(context: Context, each: Judged) -> Counts:
    return counts_of(heads_of(context), each.outlook)


def _times(context: Context) -> Iterator[tuple[str, tuple[FollowUp, SurvivalFigures]]]:
    frame = heads_of(context)
    for name, head in of_kind(context.task.all_heads(), SurvivalHead).items():
        if has_follow_up(frame, head.endpoint):
            own = own_follow_up(frame, name, head)
            if own.horizons:
                yield name, (own, survival_figures(own, context.plan))


def _endpoints(context: Context) -> dict[str, str]:
    heads = of_kind(context.task.all_heads(), SurvivalHead)
    return {name: head.endpoint for name, head in heads.items()}


def _words(found: Sequence[tuple[Judged, Counts]]) -> Iterator[str]:
    yield (
        "Each head is judged on the patients whose outcome at its own day is known, each weighted "
        "by the inverse probability of not having been censored for that endpoint. Endpoints are "
        "different questions: their figures are no ranking."
    )
    for judged, counts in found:
        if judged.view == LEFT_OUT:
            yield (
                f"{judged.outlook.name}: {counts.competing:,} patient(s) died before they could "
                "have the event and are known not to have had it. Older work left them out; that "
                "view, by the same weights, stands beside and answers for a world in which nobody "
                "dies first."
            )
    for judged, counts in found:
        if counts.untimed and judged.view == KNOWN:
            yield (
                f"{title_of(judged)}: nothing is known of the follow-up of {counts.untimed:,} "
                "patient(s)."
            )


def _plots(found: Sequence[Judged]) -> Iterator[Plot]:
    rows = [
        Row(
            label=title_of(each),
            interval=each.figures["auroc"],
            tone="plain" if each.powered else "faint",
        )
        for each in found
        if each.figures
    ]
    if rows:
        svg = forest(rows, title="AUROC, endpoint by endpoint", line=0.5)
        yield Plot(name=NAME, svg=svg, alt="AUROC with interval of each endpoint", wide=True)


def _notices(found: Sequence[Judged]) -> Iterator[Notice]:
    few = [title_of(each) for each in found if not each.powered and each.view == KNOWN]
    if few:
        yield Notice("warning", f"Underpowered endpoint(s): {'; '.join(few)}.")
    lost = [untaught_notice(each) for each in found if each.view == KNOWN]
    yield from (Notice("warning", text) for text in lost if text)


def _unanswered(context: Context, found: Sequence[Judged]) -> Iterator[Notice]:
    """Yield a warning for each head that the registered model does not have."""
    train, names = context.stages.train, [test.fold for test in context.tests]
    if context.task.evaluate.recalibrate == "none":
        return
    for each in found:
        if each.view == KNOWN and one_sided(train, names, each.outlook.name):
            yield Notice(
                "warning",
                f"{title_of(each)}: no fold's validation patients taught a recalibration; the "
                "registered model does not answer of this endpoint.",
            )


def _tracked(found: Sequence[Judged]) -> dict[str, Interval]:
    """Return the figures by name; those of the primary head's own view stand under `test/`."""
    told: dict[str, Interval] = {}
    for each in found:
        end = f"{each.view}/" if each.view else ""
        told |= tracked(each.outlook, {f"{end}{n}": i for n, i in each.figures.items()})
    return told
