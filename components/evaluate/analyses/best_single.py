"""Fusion: is the model on all inputs no worse than the best network on one of them?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from components.core.errors import CardioError
from components.core.metrics.interval import number
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.modalities import TITLES
from components.core.report.forest import Row, forest
from components.core.report.section import Notice, Plot, Section, Table
from components.core.trained import members_of
from components.evaluate.analysis import Context
from components.evaluate.heads.variants import ONLY, Pair, compare, variants_of
from components.evaluate.inputs.unpaired import declared_unpaired
from components.evaluate.inputs.validation import patients_auroc
from components.evaluate.report.verdict import FUSED, FUSION_MARGIN

if TYPE_CHECKING:
    from components.core.store import Stage

NAME = "best_single"
ORDER = 34
_BOUND = number(-FUSION_MARGIN, 2)


@dataclass(frozen=True, kw_only=True)
class Single:
    """A network on one input beside the fused one.

    Attributes:
        name: of the input.
        validation: its AUROC there, mean over folds; what the best one is chosen by.
        pair: both on the test part.
    """

    name: str
    validation: float
    pair: Pair


def applies(context: Context) -> bool:
    """Return whether networks were trained on single inputs."""
    return bool(variants_of(context.variants, ONLY))


def analyse(context: Context) -> Section:
    """Return the paired differences and whether the requirement is met."""
    singles = found_singles(context)
    best = max(singles, key=lambda each: each.validation)
    fused = best.pair.whole["auroc"]
    unpaired = declared_unpaired(context.stages)
    gap = best.pair.gap["auroc"]
    told = {} if unpaired else {FUSED: gap}
    other = None if unpaired else rival(singles, best)
    return Section(
        name=NAME,
        title="Is it worth fusing the inputs?",
        text=(_HOW if not unpaired else _TRAINED, *_said(best, other, unpaired)),
        tables=(_table(singles, best, gaps=not unpaired),),
        plots=(
            Plot(
                name=NAME,
                svg=forest(
                    [Row(label="fused", interval=fused, tone="reference"),
                     *(Row(label=_label(each, best), interval=each.pair.other["auroc"],
                           tone="marked" if each is best else "plain") for each in singles)],
                    title="AUROC, fused and on single inputs", line=fused.value, chance=0.5,
                ),
                alt="AUROC of the fused network and of those on single inputs, with intervals",
                wide=True,
            ),
        ),
        notices=_notices(best, other, unpaired),
        figures=told | {
            f"single/{each.name}/{name}{end}": interval
            for each in singles
            for end, figures in (("", each.pair.other), ("_diff", each.pair.gap))
            if not (end and unpaired)
            for name, interval in figures.items()
        },
        tags={"best_single": best.name},
    )  # fmt: skip


_TRAINED = "Each network on one input was trained anew on the same folds with the same seed."
_HOW = (
    f"{_TRAINED} The best of "
    "them is chosen by its AUROC on validation, before the test part is looked at; the difference, "
    "fused minus that one, is on the same draws of the same test patients. Required is that its "
    f"lower limit lies above {_BOUND}. The interval holds the chance of who was tested, not that "
    "of another seed."
)


def found_singles(context: Context) -> list[Single]:
    """Return the networks on one input by the primary head, in the table's order.

    Raises:
        CardioError: there is no table of variants.
    """
    table = context.variants
    if table is None:
        raise CardioError("there is no table of variants; this is a fault of the software")
    primary = next(iter(context.task.all_heads()))
    folds = [test.fold for test in context.tests]
    return [
        Single(
            name=variant.removeprefix(ONLY),
            validation=validation_auroc(context.stages.train, folds, variant),
            pair=compare(table, variant, head, context.plan),
        )
        for variant, head in variants_of(table, ONLY)
        if head == primary
    ]


def validation_auroc(train: Stage, folds: Sequence[str], variant: str) -> float:
    """Return a variant's AUROC on the patients of each fold's validation part, mean over folds."""
    found: list[float] = []
    for fold in folds:
        (member,) = members_of(train, fold, variant)
        val = pd.read_parquet(train.folder / member.folder / "val_predictions.parquet")
        found.append(patients_auroc(val, fold))
    return float(np.nanmean(found))


def is_met(best: Single) -> bool:
    """Return whether the fused network is shown to be no worse by more than the margin."""
    return best.pair.gap["auroc"].lo > -FUSION_MARGIN


def rival(singles: Sequence[Single], best: Single) -> Single | None:
    """Return the input on which fusing gains least, where that would miss the requirement.

    Which input is best on validation is partly chance: where the requirement is met against that
    one and would not be against another, the reader has to know. None where the requirement is not
    met anyway, or holds against every input.
    """
    failing = [each for each in singles if each is not best and not is_met(each)]
    if not failing or not is_met(best):
        return None
    return min(failing, key=lambda each: each.pair.gap["auroc"].lo)


def caution(other: Single) -> str:
    """Return in words that the requirement rests on which input validation chose."""
    return (
        f"That rests on which input was the best on validation. Against the {TITLES[other.name]} "
        f"alone (AUROC on validation {number(other.validation)}, on the test part "
        f"{other.pair.other['auroc'].text()}) the difference in AUROC is "
        f"{other.pair.gap['auroc'].text()}, its lower limit not above {_BOUND}: the fused network "
        "is not shown to be no worse than that."
    )


def _said(best: Single, other: Single | None, unpaired: str) -> tuple[str, ...]:
    if unpaired:
        return (unpaired,)
    return (verdict(best),) if other is None else (verdict(best), caution(other))


def verdict(best: Single) -> str:
    """Return in words whether fusing is worth it."""
    gap = best.pair.gap["auroc"]
    lead = (
        f"Fused minus the best single input (the {TITLES[best.name]}, AUROC on validation "
        f"{number(best.validation)}): difference in AUROC {gap.text()}"
    )
    small = (
        f" Underpowered: fewer than {RARE_PATIENTS} patients in one class."
        if not best.pair.powered
        else ""
    )
    if is_met(best):
        better = "; better by the whole interval" if gap.lo > 0 else ""
        return f"{lead}, its lower limit above {_BOUND}: the requirement is met{better}.{small}"
    where = "all of it below" if gap.hi < -FUSION_MARGIN else "its lower limit not above"
    return f"{lead}, {where} {_BOUND}: the requirement is not met.{small}"


def _notices(best: Single, other: Single | None, unpaired: str) -> tuple[Notice, ...]:
    if unpaired:
        return (Notice("warning", unpaired),)
    return (_notice(best), *(() if other is None else (Notice("warning", caution(other)),)))


def _notice(best: Single) -> Notice:
    return Notice("note" if is_met(best) else "warning", verdict(best))


def _label(each: Single, best: Single) -> str:
    chosen = " (best on validation)" if each is best else ""
    return f"{TITLES[each.name]} alone{chosen}"


def _table(singles: Sequence[Single], best: Single, *, gaps: bool) -> Table:
    header = ("Network", "AUROC on validation", "Patients", "Events", "AUROC", "Fused minus it")
    kept = len(header) if gaps else len(header) - 1
    whole = best.pair
    first = ("fused", "", f"{whole.patients:,}", f"{whole.events:,}", whole.whole["auroc"].text(),
             "")  # fmt: skip
    rows = tuple(
        (
            _label(each, best), number(each.validation), f"{each.pair.patients:,}",
            f"{each.pair.events:,}", each.pair.other["auroc"].text(),
            each.pair.gap["auroc"].text(),
        )
        for each in singles
    )  # fmt: skip
    note = "Chance: AUROC 0.500. All networks are of one seed."
    cut = tuple(row[:kept] for row in (first, *rows))
    return Table("Fused and on single inputs", header[:kept], cut, note)
