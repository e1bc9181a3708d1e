"""All heads in one table, and whether learning them together was better than each alone."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from components.core.config.heads import BinaryHead
from components.core.metrics.interval import Interval
from components.core.metrics.tables import PatientTables
from components.core.report.forest import Row, forest
from components.core.report.section import Notice, Plot, Section, Table
from components.evaluate.analysis import Context
from components.evaluate.heads.overview import Line, line
from components.evaluate.heads.tables import binary_tables, key, known
from components.evaluate.heads.variants import ALONE, Pair, compare, variants_of

NAME = "all_heads"
ORDER = 24


def applies(context: Context) -> bool:
    """Return whether there is more than one head."""
    return context.heads is not None and len(context.task.all_heads()) > 1


def analyse(context: Context) -> Section:
    """Return a line for each head, and the paired difference to the same head trained alone."""
    frame = context.heads if context.heads is not None else pd.DataFrame()
    lines = [
        line(frame, name, head, context.plan, tables=_tables(context, frame, name))
        for name, head in context.task.all_heads().items()
    ]
    pairs = _alone(context)
    return Section(
        name=NAME,
        title="How good is each head?",
        text=tuple(_words(lines, pairs)),
        tables=tuple(_shown(lines, pairs)),
        plots=tuple(_plots(pairs)),
        notices=tuple(_notices(lines)),
        figures=dict(_tracked(lines, pairs)),
    )


def _tables(context: Context, frame: pd.DataFrame, name: str) -> PatientTables | None:
    """Return a binary head's tables where labels are weighted for censoring."""
    heads = context.task.all_heads()
    head = heads[name]
    if not isinstance(head, BinaryHead):
        return None
    if name == next(iter(heads)):
        return context.tables
    if head.target or not len(known(frame, name)):
        return None
    return binary_tables(frame, name, weights=context.predictions)


def _alone(context: Context) -> list[Pair]:
    table = context.variants
    if table is None:
        return []
    return [
        compare(table, variant, head, context.plan)
        for variant, head in variants_of(table, ALONE)
        if variant == f"{ALONE}{head}"
    ]


def _words(lines: list[Line], pairs: list[Pair]) -> Iterator[str]:
    yield (
        f"{len(lines)} heads share one hidden representation. Each is tested on the patients "
        "whose truth it has; a missing one leaves out that head alone. Figures of different "
        "heads are of different questions and are no ranking."
    )
    for each in lines:
        if not each.figures:
            yield f"The head '{each.head}' has no figure: {each.prevalence}."
    if pairs:
        yield (
            "Together minus alone: the same network with all heads and with this one, trained on "
            "the same folds with the same seed, both by the binary view of the head. The interval "
            "holds the chance of who was tested, not that of another seed."
        )
        yield from (_verdict(pair) for pair in pairs)


def _verdict(pair: Pair) -> str:
    gap = pair.gap["auroc"]
    if not pair.powered:
        return f"'{pair.head}': underpowered, nothing is said of learning together or alone."
    told = (
        "better learnt together" if gap.lo > 0
        else "better learnt alone" if gap.hi < 0
        else "no difference between learning together and alone is shown"
    )  # fmt: skip
    return f"'{pair.head}': {told}, AUROC {gap.text()} apart."


def _shown(lines: list[Line], pairs: list[Pair]) -> Iterator[Table]:
    rows: list[tuple[str, ...]] = []
    for each in lines:
        cells = [f"{title} {interval.text()}" for title, interval in each.figures.items()]
        few = "" if each.powered or not each.figures else " (underpowered)"
        rows.append((each.head, each.kind, f"{each.known:,}{few}", each.prevalence,
                     *(cells or ["—"] * 2), *["—"] * (2 - len(cells) if cells else 0)))  # fmt: skip
    header = ("Head", "Answers", "Truth known", "Prevalence", "Headline", "Beside it")
    note = "Truth known counts patients, of a confidence head answers. The first is the primary."
    yield Table("Every head", header, tuple(rows), note)
    if pairs:
        yield Table(
            "Learnt together and alone",
            ("Head", "Patients", "Events", "AUROC, together", "AUROC, alone",
             "Together minus alone"),
            tuple(
                (pair.head, f"{pair.patients:,}", _events(pair), pair.whole["auroc"].text(),
                 pair.other["auroc"].text(), pair.gap["auroc"].text())
                for pair in pairs
            ),
        )  # fmt: skip


def _events(pair: Pair) -> str:
    return f"{pair.events:,}{'' if pair.powered else ' (underpowered)'}"


def _plots(pairs: list[Pair]) -> Iterator[Plot]:
    if not pairs:
        return
    rows = [
        Row(label=pair.head, interval=pair.gap["auroc"], tone="plain" if pair.powered else "faint")
        for pair in pairs
    ]
    svg = forest(rows, title="AUROC, learnt together minus alone", line=0.0)
    alt = "Difference in AUROC between learning heads together and alone, with intervals"
    yield Plot(name=NAME, svg=svg, alt=alt, wide=True)


def _notices(lines: list[Line]) -> Iterator[Notice]:
    few = [each.head for each in lines if each.figures and not each.powered]
    if few:
        yield Notice("warning", f"Underpowered head(s): {', '.join(few)}.")


def _tracked(lines: list[Line], pairs: list[Pair]) -> Iterator[tuple[str, Interval]]:
    for each in lines:
        for figure, interval in each.tracked.items():
            yield key(each.head, figure), interval
    for pair in pairs:
        yield key(pair.head, "auroc_alone"), pair.other["auroc"]
        yield key(pair.head, "auroc_together_minus_alone"), pair.gap["auroc"]
