"""Unfamiliar recordings: is the confidence head less sure of them, and does the model abstain?"""

from __future__ import annotations

import pandas as pd

from components.core.config.heads import ConfidenceHead
from components.core.errors import CardioError
from components.core.progress import progress
from components.core.report.forest import forest
from components.core.report.section import Plot, Section
from components.evaluate.analysis import Context
from components.evaluate.heads.tables import key, merged, of_kind
from components.evaluate.predictions import position
from components.evaluate.robustness import strange
from components.evaluate.robustness.battery import draw
from components.evaluate.robustness.setting import inputs_of, setup_of
from components.evaluate.subgroups.grouping import safe
from components.evaluate.unfamiliar import wording
from components.evaluate.unfamiliar.figures import Unfamiliar, unfamiliar_figures
from components.evaluate.unfamiliar.seen import strange_frame

NAME = "unfamiliar"
ORDER = 51
_TITLE = "Does it know what it has never seen?"


def applies(context: Context) -> bool:
    """Return whether a confidence head looks at ECGs."""
    heads = of_kind(context.task.all_heads(), ConfidenceHead)
    return context.heads is not None and bool(heads) and "ecg" in inputs_of(context)


def analyse(context: Context) -> Section:
    """Return what each confidence head and the bundle make of strange recordings."""
    heads = of_kind(context.task.all_heads(), ConfidenceHead)
    parts = {name: _section(context, name, head) for name, head in heads.items()}
    return merged(NAME, _TITLE, parts)


def _section(context: Context, name: str, head: ConfidenceHead) -> Section:
    found = _found(context, name, head)
    svg = forest(
        wording.picture(found), title="AUROC of telling strange from untouched recordings",
        line=0.5,
    )  # fmt: skip
    alt = "AUROC of telling strange recordings, by confidence and by distance, with intervals"
    return Section(
        name=NAME,
        title=_TITLE,
        text=tuple(wording.paragraphs(found, head.of, folded=context.tables.folded)),
        tables=wording.tables(found),
        plots=(Plot(name=f"{NAME}_{safe(name)}", svg=svg, alt=alt, wide=True),),
        notices=tuple(wording.notices(found, name)),
        figures={
            key(name, f"unfamiliar/{each.condition.key}/{figure}"): interval
            for each in (found.base, *found.strange)
            for figure, interval in each.figures.items()
        },
    )


def _found(context: Context, name: str, head: ConfidenceHead) -> Unfamiliar:
    config = context.task.evaluate.robustness
    tests = [test for test in context.tests if position(test.fold)[0] == 0]
    drawn = draw(tests, records=config.records, seed=config.seed)
    setup = setup_of(context, tests, drawn)
    wanted = list(strange.conditions(setup))
    folds = list(zip(tests, drawn, strict=True))
    work = sum(map(len, drawn)) * (1 + len(wanted))
    with progress("evaluate: strange recordings", work, "recordings") as advance:
        frame: pd.DataFrame = strange_frame(
            context, name, head, folds, setup=setup, wanted=wanted, advance=advance
        )
    if frame.empty:
        raise CardioError("no test recording was seen; this is a fault of the software")
    return unfamiliar_figures(frame, wanted, context.plan)
