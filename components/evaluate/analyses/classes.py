"""Heads with ordered categories: agreement, and whether risk rises from category to category."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from components.core.config.heads import ClassesHead
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.report.section import Notice, Plot, Section, Table
from components.evaluate.analysis import Context
from components.evaluate.heads.classes import (
    BY_CLASS,
    OVERALL,
    ClassFigures,
    Validation,
    class_figures_of,
    validation,
)
from components.evaluate.heads.tables import key, known, merged, of_kind
from components.evaluate.report.confusion import confusion_plot
from components.evaluate.report.wording import percent
from components.evaluate.subgroups.grouping import safe

NAME = "classes"
ORDER = 22
_TITLE = "Does it put patients into the right category?"
_TITLES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "quadratic_kappa": "Kappa with quadratic weights",
    "macro_auroc": "Macro AUROC",
}


def applies(context: Context) -> bool:
    """Return whether some head with categories has patients of known category."""
    return context.heads is not None and bool(_known(context, context.heads))


def analyse(context: Context) -> Section:
    """Return agreement by category and over all, and the incidence by called category."""
    frame = context.heads if context.heads is not None else pd.DataFrame()
    parts: dict[str, Section] = {}
    for name, head in _known(context, frame).items():
        found = class_figures_of(frame, name, head, context.plan)
        seen = validation(frame, name, head, context.plan)
        parts[name] = Section(
            name=NAME,
            title=_TITLE,
            text=(*_words(found), *_verdict(seen)),
            tables=tuple(_tables(found, seen)),
            plots=(
                Plot(
                    name=f"{NAME}_{safe(name)}",
                    svg=confusion_plot(found.cells, found.classes),
                    alt="Confusion matrix: patients by true and by called category",
                ),
            ),
            notices=tuple(_notices(name, found)),
            figures=dict(_tracked(name, found, seen)),
        )
    return merged(NAME, _TITLE, parts)


def _known(context: Context, frame: pd.DataFrame) -> dict[str, ClassesHead]:
    heads = of_kind(context.task.all_heads(), ClassesHead)
    return {name: head for name, head in heads.items() if len(known(frame, name))}


def _words(found: ClassFigures) -> Iterator[str]:
    yield (
        f"{found.patients:,} patients of known category, probabilities averaged over recordings; "
        "called is the most probable category. Always calling the most frequent one would be "
        f"right in {percent(found.commonest)}. Kappa with quadratic weights is agreement beyond "
        "chance that forgives near misses: 1 is perfect, 0 chance."
    )


def _verdict(seen: Validation | None) -> Iterator[str]:
    if seen is None:
        yield "No event has a known time, so what came of each category cannot be said."
        return
    if not seen.powered:
        yield (
            f"Underpowered: fewer than {RARE_PATIENTS} events by day {seen.day:g}; whether the "
            "incidence rises with the called category is not said."
        )
        return
    if not seen.steps:
        yield "Everyone was put into one category, so there is nothing to compare."
        return
    falls = [i for i, step in enumerate(seen.steps) if not step.value > 0]
    unsure = [i for i, step in enumerate(seen.steps) if not step.lo > 0]
    if falls:
        yield (
            f"The incidence by day {seen.day:g} does not rise {_pairs(seen, falls)}: the order of "
            "the called categories is not that of the risk."
        )
    elif unsure:
        yield (
            f"The incidence by day {seen.day:g} rises from category to category, but "
            f"{_pairs(seen, unsure)} the interval of the difference holds 0."
        )
    else:
        yield (
            f"The incidence by day {seen.day:g} rises from each called category to the next, and "
            "the interval of every difference lies above 0."
        )


def _pairs(seen: Validation, steps: list[int]) -> str:
    names = [group.name for group in seen.groups]
    return " and ".join(f"from {names[i]} to {names[i + 1]}" for i in steps)


def _tables(found: ClassFigures, seen: Validation | None) -> Iterator[Table]:
    rows = [(_TITLES[name], found.figures[name].text()) for name in OVERALL]
    beside = f"{found.commonest:.3f} (share of the most frequent category)"
    chance = {"accuracy": beside, "quadratic_kappa": "0.000", "macro_auroc": "0.500"}
    yield Table(
        "Over all categories", ("Figure", "Value", "Without the model"),
        tuple((*row, chance.get(name, "—")) for name, row in zip(OVERALL, rows, strict=True)),
    )  # fmt: skip
    yield Table(
        "By category",
        ("Category", "Patients", "Prevalence", "Called", "Precision (PPV)",
         "Recall (sensitivity)", "F1"),
        tuple(_class_rows(found)),
        "The prevalence is the precision of calling at random.",
    )  # fmt: skip
    yield Table(
        "Confusion matrix",
        ("True", *(f"called {name}" for name in found.classes)),
        tuple(
            (name, *(f"{cell:,} ({percent(cell / max(size, 1))})" for cell in row))
            for name, row, size in zip(
                found.classes, found.cells.tolist(), found.sizes, strict=True
            )
        ),
        "Patients, and the share of those truly in the category.",
    )
    if seen is not None:
        yield _validation_table(seen)


def _class_rows(found: ClassFigures) -> Iterator[tuple[str, ...]]:
    for place, name in enumerate(found.classes):
        size = found.sizes[place]
        few = " (underpowered)" if size < RARE_PATIENTS else ""
        yield (
            name, f"{size:,}{few}", percent(size / found.patients), f"{found.called[place]:,}",
            *(found.figures[f"{figure}/{found.keys[place]}"].text() for figure in BY_CLASS),
        )  # fmt: skip


def _validation_table(seen: Validation) -> Table:
    rows: list[tuple[str, ...]] = []
    for place, group in enumerate(seen.groups):
        step = seen.steps[place - 1].text() if place else "—"
        events = f"{group.events:,}{' (underpowered)' if group.events < RARE_PATIENTS else ''}"
        rows.append((group.name, f"{group.patients:,}", events, group.incidence.text(), step))
    header = ("Called", "Patients", f"Events by day {seen.day:g}", "Cumulative incidence",
              "Minus the category before")  # fmt: skip
    note = (
        "Aalen-Johansen, death without the event competing; everyone with follow-up counts, "
        "whether or not the true category is known."
    )
    return Table(f"What came by day {seen.day:g}", header, tuple(rows), note)


def _notices(name: str, found: ClassFigures) -> Iterator[Notice]:
    few = [
        f"{each} ({size})"
        for each, size in zip(found.classes, found.sizes, strict=True)
        if size < RARE_PATIENTS
    ]
    if few:
        yield Notice(
            "warning",
            f"The head '{name}' is underpowered: fewer than {RARE_PATIENTS} patients in "
            f"{', '.join(few)}.",
        )


def _tracked(
    name: str, found: ClassFigures, seen: Validation | None
) -> Iterator[tuple[str, Interval]]:
    for figure, interval in found.figures.items():
        yield key(name, figure), interval
    for group in seen.groups if seen is not None else ():
        yield key(name, f"incidence/{safe(group.name)}"), group.incidence
