"""Endpoints against simple models: is the network worth more than the best of them?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from components.core.metrics.interval import Interval, number
from components.core.report.forest import Row, forest
from components.core.report.section import Notice, Plot, Section, Table
from components.evaluate.analysis import Context
from components.evaluate.endpoints.outlook import has_endpoints, outlooks, tracked
from components.evaluate.endpoints.rivals import NARROW, Against, Rival, against
from components.evaluate.report.wording import percent

NAME = "endpoint_baselines"
ORDER = 3
# How much AUROC a network may lose against the best simple model and still be called no worse.
MARGIN = 0.05


def applies(context: Context) -> bool:
    """Return whether there are several endpoints, and simple models are asked for."""
    task = context.task
    wanted = bool(task.evaluate.baselines) and context.heads is not None
    return wanted and has_endpoints(task.all_heads()) and bool(outlooks(task))


def analyse(context: Context) -> Section:
    """Return the paired differences endpoint by endpoint, and the verdict against the best."""
    found = [against(context, outlook) for outlook in outlooks(context.task)]
    return Section(
        name=NAME,
        title="Is each endpoint worth more than a simple model?",
        text=(_HOW, *(f"{verdict(each)}." for each in found)),
        tables=(_table(found, folded=context.tables.folded),),
        plots=(_plot(found),) if any(each.rivals for each in found) else (),
        notices=tuple(_notices(found)),
        figures={k: i for each in found for k, i in _tracked(each).items()},
        first="".join(f"{verdict(each)}. " for each in found).strip(),
        kept={NAME: _kept(found)},
        tags={
            f"best_baseline.{each.outlook.name}": each.best.name
            for each in found
            if each.best is not None
        },
    )


_HOW = (
    "Each simple model is fitted to the endpoint itself on the same folds and patients, on all "
    "inputs side by side: an absent embedding is set to the training mean, and a column says that "
    "it is absent. Where an embedding has more than "
    f"{NARROW} columns each is fitted without such ones, too (narrow): many columns drown the "
    "others. The best one is chosen by its AUROC on validation, fitted on the training part "
    "alone, before the test part is looked at. Differences are network minus simple model on the "
    "same draws of the same patients; the intervals hold the chance of who was tested, not that "
    "of another seed. Cox regression stands beside the heads of times, in their own section."
)


def verdict(each: Against) -> str:
    """Return in words whether the network is worth more than the best simple model."""
    best, lead = each.best, f"{each.outlook.name}: "
    if best is None:
        return f"{lead}no best simple model is known to compare the network with"
    gap = best.gap["auroc"]
    said = (
        "worse than" if gap.hi < 0
        else "loses against" if gap.value < 0
        else "better than" if gap.lo > 0
        else f"no worse by more than {number(MARGIN, 2)} than" if gap.lo > -MARGIN
        else "not shown to be better than"
    )  # fmt: skip
    few = ", underpowered" if not each.powered else ""
    return (
        f"{lead}{said} the best simple model ({_words(best.name)}; difference in AUROC "
        f"{gap.text()}{few})"
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _table(found: Sequence[Against], *, folded: bool) -> Table:
    rows = [row for each in found for row in _rows(each)]
    header = ("Endpoint", "Model", "AUROC on validation", "Patients", "Events", "Prevalence",
              "AUROC", "Network minus it", "AUPRC", "Network minus it")  # fmt: skip
    within = "Means of within-fold figures. " if folded else ""
    note = f"{within}Chance: AUROC 0.500, AUPRC the prevalence."
    return Table("Network and simple models", header, tuple(rows), note)


def _rows(each: Against) -> Iterator[tuple[str, ...]]:
    few = "" if each.powered else " (underpowered)"
    sizes = (f"{each.patients:,}", f"{each.events:,}{few}", percent(each.prevalence))
    own = each.network
    name = each.outlook.name
    yield (name, "network", "", *sizes, own["auroc"].text(), "", own["auprc"].text(), "")
    for rival in each.rivals:
        chosen = " (best on validation)" if rival is each.best else ""
        yield (
            name, f"{_words(rival.name)}{chosen}", number(rival.validation), *sizes,
            rival.figures["auroc"].text(), rival.gap["auroc"].text(),
            rival.figures["auprc"].text(), rival.gap["auprc"].text(),
        )  # fmt: skip


def _plot(found: Sequence[Against]) -> Plot:
    rows: list[Row] = []
    for each in found:
        rows.append(Row(label=each.outlook.name))
        rows += [_row(each, rival) for rival in each.rivals]
    svg = forest(rows, title="AUROC, network minus simple model", line=0.0)
    alt = "Difference in AUROC between network and simple models, endpoint by endpoint"
    return Plot(name=NAME, svg=svg, alt=alt, wide=True)


def _row(each: Against, rival: Rival) -> Row:
    tone = "faint" if not each.powered else "marked" if rival is each.best else "plain"
    return Row(label=f"minus {_words(rival.name)}", interval=rival.gap["auroc"], tone=tone)


def _notices(found: Sequence[Against]) -> Iterator[Notice]:
    for each in found:
        better = each.best is not None and each.best.gap["auroc"].lo > 0
        yield Notice("note" if better else "warning", f"{verdict(each)}.")
        yield from (Notice("warning", f"{each.outlook.name}: {text}.") for text in _gaps(each))


def _gaps(each: Against) -> Iterator[str]:
    """Yield what is left out, and in how many folds the cause lies."""
    for name, folds in each.left_out.items():
        yield (
            f"{_words(name)} is left out, since in {folds} of {each.folds} folds the training part "
            "has fewer than two patients with or without the event, too few to choose a penalty on"
        )
    if each.unvalidated:
        others = (
            "no AUROC on validation is known, and none is the best"
            if each.unvalidated == each.folds
            else "the AUROC on validation is of the other folds"
        )
        yield (
            f"in {each.unvalidated} of {each.folds} folds the validation patients are all of one "
            f"class and rank no simple model; {others}"
        )


def _tracked(each: Against) -> dict[str, Interval]:
    """Return the figures of every simple model by name, and the difference from the best one."""
    told = {
        f"baseline/{rival.name}/{name}{end}": interval
        for rival in each.rivals
        for end, figures in (("", rival.figures), ("_diff", rival.gap))
        for name, interval in figures.items()
    }
    best = {} if each.best is None else {"minus_best_baseline": each.best.gap["auroc"]}
    return tracked(each.outlook, told | best)


def _kept(found: Sequence[Against]) -> pd.DataFrame:
    """Return one row per endpoint, model and figure, with the difference network minus model."""
    rows = [
        {
            "head": each.outlook.name, "model": rival.name, "best": rival is each.best,
            "validation_auroc": rival.validation, "figure": name, "patients": each.patients,
            "events": each.events, "prevalence": each.prevalence,
            **_bounds("", rival.figures[name]), **_bounds("minus_", rival.gap[name]),
        }
        for each in found
        for rival in each.rivals
        for name in rival.figures
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _bounds(prefix: str, figure: Interval) -> dict[str, float]:
    return {f"{prefix}value": figure.value, f"{prefix}lo": figure.lo, f"{prefix}hi": figure.hi}
