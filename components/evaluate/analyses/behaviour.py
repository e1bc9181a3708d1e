"""Behaviour check: does the answer change when an input or a clinical value does?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from components.core.metrics.column_means import mean_intervals
from components.core.metrics.interval import Interval, number
from components.core.progress import progress
from components.core.report.section import Notice, Section, Table
from components.evaluate.analysis import Context
from components.evaluate.inputs.exchange import LEAST, changes_of, exchanges
from components.evaluate.inputs.masked import may_lack
from components.evaluate.predictions import position
from components.evaluate.robustness.battery import draw
from components.evaluate.robustness.setting import inputs_of, network_of
from components.evaluate.subgroups.grouping import safe

NAME = "behaviour"
ORDER = 48
# An input that is not ignored moves nearly every answer: 200 records show that, and a share of
# 0.5 to ±0.07.
RECORDS = 200


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """What became of the answers when one thing was exchanged.

    Attributes:
        key: name in the tracking store.
        title: in words.
        records: in which it was exchanged.
        share: of them, whose log-odds changed by more than 1e-6; None where there are none.
        change: |change of the log-odds|: median and quartiles.
    """

    key: str
    title: str
    records: int
    share: Interval | None
    change: tuple[float, float, float]

    @property
    def ignored(self) -> bool:
        """Return whether no answer changed."""
        return self.share is not None and self.share.value == 0


def applies(context: Context) -> bool:
    """Return whether the model's inputs may be absent and it is tested on its own cohort."""
    return not context.external and may_lack(inputs_of(context))


def analyse(context: Context) -> Section:
    """Return how many answers each exchange moves, and by how much."""
    found = reactions(context)
    return Section(
        name=NAME,
        title="Does it react to each input?",
        text=(_HOW,),
        tables=(_table(found),),
        notices=tuple(_notices(found)),
        figures={f"{NAME}/{each.key}/reacts": each.share for each in found if each.share},
    )


_HOW = (
    "On drawn test records one thing at a time is exchanged: a picture, a sound, an embedding "
    "or an event sequence for that of another patient, a number for its training mean plus one SD, "
    "a category for another one. An answer reacts whose log-odds change by more than 1e-6. This "
    "shows that an input is not ignored, not that it is used well: for that see the subsets of the "
    "inputs."
)


def reactions(context: Context) -> list[Reaction]:
    """Return what became of the answers, exchange by exchange."""
    inputs, seed = inputs_of(context), context.task.evaluate.robustness.seed
    tests = [test for test in context.tests if position(test.fold)[0] == 0]
    drawn = draw(tests, records=RECORDS, seed=seed)
    parts: list[pd.DataFrame] = []
    titles: dict[str, str] = {}
    with progress("evaluate: exchanged inputs", sum(map(len, drawn)), "records") as advance:
        for test, index in zip(tests, drawn, strict=True):
            wanted = exchanges(test.rows, inputs, index, seed=seed)
            titles |= {each.key: each.title for each in wanted}
            network = network_of(context, test.fold)
            parts.append(changes_of(network, test, index, wanted, advance=lambda _: None))
            advance(len(index))
    frame = pd.concat(parts, ignore_index=True)
    changes = frame[list(titles)].to_numpy(np.float64)
    moved = np.where(np.isnan(changes), np.nan, changes > LEAST)
    shares = mean_intervals(moved, list(titles), frame["patient_id"].to_numpy(), plan=context.plan)
    return [
        _reaction(key, title, frame[key].dropna(), shares[key]) for key, title in titles.items()
    ]


def _reaction(key: str, title: str, changes: pd.Series, share: Interval) -> Reaction:
    quartiles = changes.quantile([0.5, 0.25, 0.75]).tolist() if len(changes) else [np.nan] * 3
    return Reaction(
        key=safe(key),
        title=title,
        records=len(changes),
        share=share if len(changes) else None,
        change=(quartiles[0], quartiles[1], quartiles[2]),
    )


def _table(found: list[Reaction]) -> Table:
    rows = tuple(
        (
            each.title, f"{each.records:,}",
            "not exchanged" if each.share is None else each.share.text(),
            "" if each.share is None else _spread(each.change),
        )
        for each in found
    )  # fmt: skip
    header = ("Exchanged", "Records", "Share that reacts", "Change of the log-odds")
    note = "Change: median of its size, with quartiles over the records."
    return Table("Answers after one exchange", header, rows, note)


def _spread(change: tuple[float, float, float]) -> str:
    median, low, high = change
    return f"{number(median)} (quartiles {number(low)} to {number(high)})"


def _notices(found: list[Reaction]) -> Iterator[Notice]:
    ignored = [each.title for each in found if each.ignored]
    if ignored:
        yield Notice(
            "warning",
            f"The model does not react to some of its inputs at all ({'; '.join(ignored)}): no "
            "answer changed. It should be trained without them, or mended.",
        )
