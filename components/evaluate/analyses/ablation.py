"""Ablation: what does the model lose without its ECG, its notes, its table?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from components.core.metrics.interval import Interval
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.modalities import MODALITIES, SPOKEN
from components.core.report.forest import Row, forest
from components.core.report.section import Notice, Plot, Section, Table
from components.evaluate.analysis import Context
from components.evaluate.heads.tables import key
from components.evaluate.heads.variants import WITHOUT, Pair, compare, tracked, variants_of
from components.evaluate.report.wording import percent
from components.evaluate.subgroups.grouping import safe

NAME = "ablation"
ORDER = 35


def applies(context: Context) -> bool:
    """Return whether networks were trained without an input."""
    return bool(variants_of(context.variants, WITHOUT))


def analyse(context: Context) -> Section:
    """Return AUROC with and without each input, and which of them add nothing that is shown."""
    table, primary = context.variants, next(iter(context.task.all_heads()))
    pairs = [
        compare(table, variant, head, context.plan)
        for variant, head in variants_of(table, WITHOUT)
        if table is not None
    ]
    order = list(MODALITIES)
    pairs.sort(
        key=lambda pair: (
            pair.head != primary,
            pair.head,
            order.index(pair.left_out) if pair.left_out in order else len(order),
        )
    )
    return Section(
        name=NAME,
        title="Which inputs does it use?",
        text=(_HOW, *(verdict(pair) for pair in pairs)),
        tables=(_table(pairs),),
        plots=(
            Plot(
                name=NAME,
                svg=_picture(pairs),
                alt="AUROC lost without each input, with intervals",
                wide=True,
            ),
        ),
        notices=tuple(_notices([pair for pair in pairs if pair.head == primary])),
        figures=dict(_tracked(pairs, primary)),
    )


_HOW = (
    "Each network without an input was trained anew on the same folds with the same seed. The "
    "difference, whole minus without, is on the same draws of the same patients: above 0 the "
    "input is worth having. What another input can make up for shows no loss, and the interval "
    "holds the chance of who was tested, not that of another seed."
)


def name_of(modality: str) -> str:
    """Return an input in words.

    >>> name_of("ecg"), name_of("ct")
    ('the ECG', "the input 'ct'")
    """
    return SPOKEN.get(modality, f"the input '{modality}'")


def verdict(pair: Pair) -> str:
    """Return in words whether the head uses the input."""
    gap, what = pair.gap["auroc"], name_of(pair.left_out)
    lead = f"Head '{pair.head}', {what}"
    if not pair.powered:
        return f"{lead}: underpowered, fewer than {RARE_PATIENTS} patients of one class; not said."
    if gap.lo > 0:
        return f"{lead}: used; without it the AUROC is lower by {gap.text()}."
    if gap.hi < 0:
        return f"{lead}: harmful; without it the AUROC is higher, whole minus without {gap.text()}."
    return (
        f"{lead}: not shown to be used; whole minus without is {gap.text()}, an interval that "
        "holds 0."
    )


def _unused(pair: Pair) -> bool:
    return pair.powered and not pair.gap["auroc"].lo > 0


def _table(pairs: Sequence[Pair]) -> Table:
    header = ("Head", "Left out", "Patients", "Events", "Prevalence", "AUROC, whole",
              "AUROC, without", "Whole minus without", "AUPRC, whole minus without",
              "Used")  # fmt: skip
    rows = tuple(
        (
            pair.head, name_of(pair.left_out), f"{pair.patients:,}",
            f"{pair.events:,}{'' if pair.powered else ' (underpowered)'}",
            percent(pair.prevalence), pair.whole["auroc"].text(),
            pair.other["auroc"].text(), pair.gap["auroc"].text(), pair.gap["auprc"].text(),
            "not said" if not pair.powered else "not shown" if _unused(pair) else "yes",
        )
        for pair in pairs
    )  # fmt: skip
    note = "Chance: AUROC 0.500, AUPRC the prevalence. By the binary view of each head."
    return Table("With and without each input", header, rows, note)


def _picture(pairs: Sequence[Pair]) -> str:
    rows: list[Row] = []
    for head in dict.fromkeys(pair.head for pair in pairs):
        rows.append(Row(label=head))
        for pair in (each for each in pairs if each.head == head):
            tone, remark = _tone(pair)
            label = f"without {name_of(pair.left_out)}{remark}"
            rows.append(Row(label=label, interval=pair.gap["auroc"], tone=tone))
    return forest(rows, title="AUROC lost: whole minus without", line=0.0)


def _tone(pair: Pair) -> tuple[str, str]:
    if not pair.powered:
        return "faint", " (underpowered)"
    return ("marked", " (not shown to be used)") if _unused(pair) else ("plain", "")


def _notices(pairs: Sequence[Pair]) -> Iterator[Notice]:
    unused = [name_of(pair.left_out) for pair in pairs if _unused(pair)]
    if unused:
        yield Notice(
            "warning",
            f"The model is not shown to use {', '.join(unused)}: a network trained without does "
            "as well within the interval.",
        )


def _tracked(pairs: Sequence[Pair], primary: str) -> Iterator[tuple[str, Interval]]:
    for pair in pairs:
        variant = f"{NAME}/without_{safe(pair.left_out)}"
        prefix = variant if pair.head == primary else key(pair.head, variant)
        yield from tracked(pair, prefix).items()
