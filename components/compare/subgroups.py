"""On which patients is one model better: the paired difference in every group, on one set of draws.

A group's own difference says by how much the models differ on its patients. Whether they differ
there otherwise than elsewhere is another question: it is answered by the group's difference minus
that of everyone else (a test of interaction; Altman and Bland 2003, BMJ 326:219), marked only where
its interval, widened for the number of groups looked at, excludes 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from components.core.comparison.judged import Judged
from components.core.metrics.bootstrap import difference, intervals
from components.core.metrics.checks import IntArray
from components.core.metrics.folds import NOTE
from components.core.metrics.groups import ranking_within, widened
from components.core.metrics.interval import Interval
from components.core.metrics.metric import Statistic, joined
from components.core.metrics.resampling import RARE_PATIENTS, Plan, clusters
from components.core.metrics.tables import floats

_METRIC = ("auroc",)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Calls of a group's patients that the other model changes, to right or to wrong.

    Attributes:
        events_right: patients with the event whom only the other model calls positive.
        events_wrong: those whom only the first does.
        rest_right: patients without the event whom only the first model calls positive.
        rest_wrong: those whom only the other does.
    """

    events_right: int
    events_wrong: int
    rest_right: int
    rest_wrong: int

    @property
    def total(self) -> int:
        """Return how many calls change."""
        return self.events_right + self.events_wrong + self.rest_right + self.rest_wrong


@dataclass(frozen=True, kw_only=True)
class Group:
    """A group of patients on whom both models were tested.

    Attributes:
        column: what the patients are divided by.
        value: of this group, as shown.
        key: of the value in the tracking store; empty where it stays out of it.
        patients: in the evaluated part.
        events: of them with the event.
        powered: at least 20 patients with and 20 without the event.
        compared: everyone else with a known value has as many, too.
        changes: calls that differ.
        gap: AUROC of the other model minus the first's; None where a class is missing.
        beyond: `gap` minus that of everyone else with a known value; compared groups only.
        beyond_wide: the same at the widened level, where `beyond` excludes 0.
    """

    column: str
    value: str
    key: str
    patients: int
    events: int
    powered: bool
    compared: bool
    changes: Changes
    gap: Interval | None = None
    beyond: Interval | None = None
    beyond_wide: Interval | None = None

    @property
    def name(self) -> str:
        """Return column and value, for print."""
        return f"{self.column} {self.value}"

    @property
    def marked(self) -> bool:
        """Return whether the models differ here otherwise than elsewhere, beyond chance."""
        return self.beyond_wide is not None and excludes(self.beyond_wide)


@dataclass(frozen=True, kw_only=True)
class Found:
    """All groups of a pair of models.

    Attributes:
        groups: by column, in the order of its values.
        comparisons: how many of them are held against everyone else; a column of two values has
            one.
        level: coverage of the widened intervals (Bonferroni).
    """

    groups: tuple[Group, ...]
    comparisons: int
    level: float


def by_group(reference: Judged, other: Judged, groups: pd.DataFrame, plan: Plan) -> Found:
    """Return the paired difference in every group that has a patient in the evaluated part.

    Args:
        reference: the first model.
        other: on the same patients and folds.
        groups: `patient_id`, `column`, `value`, `key`, one row per patient and column, the values
            in the order in which they are to be shown.
        plan: how to resample.
    """
    sized = _sized(reference, other, groups)
    each = reference.tables.each
    rows = [_rows(each, group, groups) for group in sized]
    comparisons = _comparisons(sized)
    wide = widened(plan, comparisons)
    pair = (reference, other)
    gaps = _run(pair, {i: (r[0],) for i, r in enumerate(rows) if _has_both(sized[i])}, sized, plan)
    compared = {i: r for i, r in enumerate(rows) if sized[i].compared}
    beyond = _run(pair, compared, sized, plan)
    # What includes 0 at the single level does so at a wider one: those draws are spared.
    excluding = {i: r for i, r in compared.items() if excludes(beyond[i])}
    beyond_wide = _run(pair, excluding, sized, wide)
    return Found(
        groups=tuple(
            replace(group, gap=gaps.get(i), beyond=beyond.get(i), beyond_wide=beyond_wide.get(i))
            for i, group in enumerate(sized)
        ),
        comparisons=comparisons,
        level=wide.level,
    )


def excludes(interval: Interval) -> bool:
    """Return whether 0 lies outside the interval."""
    return interval.lo > 0 or interval.hi < 0


def _sized(reference: Judged, other: Judged, groups: pd.DataFrame) -> list[Group]:
    frame = reference.tables.pooled.assign(
        before=floats(reference.tables.pooled, "margin") >= 0,
        after=floats(other.tables.pooled, "margin") >= 0,
    )
    found: list[Group] = []
    for column, part in groups.groupby("column", sort=False):
        known = frame.merge(part, on="patient_id")
        every = _classes(known)
        for value in part["value"].unique():
            mine = known[known["value"] == value]
            if mine.empty:
                continue
            own = _classes(mine)
            powered = min(own) >= RARE_PATIENTS
            rest = (every[0] - own[0], every[1] - own[1])
            found.append(
                Group(
                    column=str(column), value=str(value), key=str(mine["key"].iloc[0]),
                    patients=len(mine), events=own[0], powered=powered,
                    compared=powered and min(rest) >= RARE_PATIENTS, changes=_changes(mine),
                )
            )  # fmt: skip
    return found


def _classes(frame: pd.DataFrame) -> tuple[int, int]:
    label = floats(frame, "label")
    return int((label == 1).sum()), int((label == 0).sum())


def _changes(frame: pd.DataFrame) -> Changes:
    sick = frame["label"] == 1
    up, down = frame["after"] & ~frame["before"], frame["before"] & ~frame["after"]
    return Changes(
        events_right=int((sick & up).sum()), events_wrong=int((sick & down).sum()),
        rest_right=int((~sick & down).sum()), rest_wrong=int((~sick & up).sum()),
    )  # fmt: skip


def _has_both(group: Group) -> bool:
    return 0 < group.events < group.patients


def _comparisons(groups: Sequence[Group]) -> int:
    """Return the number of different comparisons: of two groups each is the other's rest."""
    shown = Counter(group.column for group in groups)
    compared = Counter(group.column for group in groups if group.compared)
    return sum(1 if shown[name] == 2 else count for name, count in compared.items())


def _rows(each: pd.DataFrame, group: Group, groups: pd.DataFrame) -> tuple[IntArray, IntArray]:
    """Return the rows of the group, and those of everyone else whose value is known."""
    part = groups[groups["column"] == group.column].set_index("patient_id")["value"]
    value = each["patient_id"].map(part)
    mine = (value == group.value).fillna(value=False).to_numpy(np.bool_)
    return np.flatnonzero(mine), np.flatnonzero(value.notna().to_numpy(np.bool_) & ~mine)


def _run(
    pair: tuple[Judged, Judged],
    parts: Mapping[int, tuple[IntArray, ...]],
    groups: Sequence[Group],
    plan: Plan,
) -> dict[int, Interval]:
    """Return by place the difference on the first part, minus that on the second if there is."""
    if not parts:
        return {}
    pieces = [_statistic(pair, rows, str(place)) for place, rows in parts.items()]
    frame = pair[0].tables.each
    weight = floats(frame, "weight")
    ids = frame["patient_id"].to_numpy()
    within = clusters(ids, floats(frame, "label"), weight=weight, plan=plan)
    # The rarer class of the group carries its figure, not that of everyone.
    carried = {
        str(place): min(groups[place].events, groups[place].patients - groups[place].events)
        for place in parts
    }
    note = f"paired difference, {NOTE if pair[0].tables.folded else ''}"
    found = intervals(joined(pieces), within, weight=weight, plan=plan, note=note, patients=carried)
    return {int(name): interval for name, interval in found.items()}


def _statistic(pair: tuple[Judged, Judged], rows: tuple[IntArray, ...], name: str) -> Statistic:
    found = [
        difference(
            ranking_within(pair[1].tables, part, (name,), _METRIC),
            ranking_within(pair[0].tables, part, (name,), _METRIC),
        )
        for part in rows
    ]
    return found[0] if len(found) == 1 else difference(found[0], found[1])
