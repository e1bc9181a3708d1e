"""Figures of every group and its gap to everyone else, on one set of draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.metrics.bootstrap import difference, intervals, scales_of
from components.core.metrics.calibration import recalibration_family
from components.core.metrics.checks import IntArray
from components.core.metrics.folds import NOTE
from components.core.metrics.groups import ranking_within, widened
from components.core.metrics.interval import Interval
from components.core.metrics.metric import Sample, Statistic, joined
from components.core.metrics.part import observed_expected, renamed, restricted
from components.core.metrics.resampling import RARE_PATIENTS, Plan, clusters
from components.core.metrics.tables import PatientTables, floats, sigmoid
from components.evaluate.subgroups.grouping import Column

RANKING = ("auroc", "auprc")
CALIBRATION = ("prevalence", "observed_expected", "calibration_slope")
# Column of `tables.each` with the planted truth's log-odds; synthetic cohort only.
ORACLE = "oracle"


@dataclass(frozen=True, kw_only=True)
class Group:
    """A group of patients and its figures.

    Attributes:
        column: what the patients are divided by.
        value: of this group, as shown.
        key: `<column>/<value>` in the tracking store.
        patients: in the evaluated part.
        events: of them with the event.
        powered: at least 20 patients with and 20 without the event.
        compared: everyone else with a known value has as many, too.
        figures: AUROC, AUPRC, prevalence, O/E and slope, as far as both classes are there; for a
            compared group `auroc_gap`, and where that excludes 0 `auroc_gap_wide` at the widened
            level; `oracle_auroc` where the truth is known.
    """

    column: str
    value: str
    key: str
    patients: int
    events: int
    powered: bool
    compared: bool
    figures: dict[str, Interval] = field(default_factory=dict[str, Interval])

    @property
    def marked(self) -> bool:
        """Return whether the gap's widened interval excludes 0."""
        return _excludes(self.figures.get("auroc_gap_wide"))


@dataclass(frozen=True, kw_only=True)
class Found:
    """All groups.

    Attributes:
        groups: by column, in the order of its values.
        gaps: how many gaps are looked at; the two groups of a column with two values have one.
        level: coverage of the widened intervals (Bonferroni).
        unknown: column → patients whose value is not known.
    """

    groups: tuple[Group, ...]
    gaps: int
    level: float
    unknown: dict[str, int]


def examine(tables: PatientTables, columns: Sequence[Column], plan: Plan) -> Found:
    """Return the figures of every group that has a patient in the evaluated part.

    Ranking figures are means within folds under cross-validation, as the headline's.

    Args:
        tables: the test predictions.
        columns: what to divide by.
        plan: the bootstrap, at the level of a single interval.
    """
    groups = [each for column in columns for each in _sizes(tables.pooled, column)]
    gaps = _gaps(groups)
    wide = widened(plan, gaps)
    parts = {column.name: column.of_patient for column in columns}
    own = _ranking(tables, groups, parts, plan) | _calibration(tables, groups, parts, plan)
    # What includes 0 at the single level does so at a wider one: those draws are spared.
    excluding = [place for place in range(len(groups)) if _excludes(own.get((place, "auroc_gap")))]
    own |= _widened(tables, {p: groups[p] for p in excluding}, parts, wide)
    ids = tables.pooled["patient_id"]
    return Found(
        groups=tuple(
            replace(group, figures={k: i for (g, k), i in own.items() if g == place})
            for place, group in enumerate(groups)
        ),
        gaps=gaps,
        level=wide.level,
        unknown={name: int((~ids.isin(known.index)).sum()) for name, known in parts.items()},
    )


_Named = dict[tuple[int, str], Interval]


def _excludes(gap: Interval | None) -> bool:
    return gap is not None and (gap.lo > 0 or gap.hi < 0)


def _sizes(pooled: pd.DataFrame, column: Column) -> list[Group]:
    value = pooled["patient_id"].map(column.of_patient)
    label = floats(pooled, "label")
    every = _both(label[value.notna()])
    found: list[Group] = []
    for name in column.shown:
        mine = label[value.eq(name).fillna(value=False).to_numpy(np.bool_)]
        if not mine.size:
            continue
        classes = _both(mine)
        rest = (every[0] - classes[0], every[1] - classes[1])
        powered = min(classes) >= RARE_PATIENTS
        key = f"{column.key}/{column.keys[name]}"
        found.append(
            Group(
                column=column.name, value=name, key=key, patients=int(mine.size),
                events=classes[0], powered=powered,
                compared=powered and min(rest) >= RARE_PATIENTS,
            )
        )  # fmt: skip
    return found


def _both(label: npt.NDArray[np.float64]) -> tuple[int, int]:
    return int((label == 1).sum()), int((label == 0).sum())


def _gaps(groups: Sequence[Group]) -> int:
    """Return the number of different gaps: of two groups each is the other's rest."""
    shown = Counter(group.column for group in groups)
    compared = Counter(group.column for group in groups if group.compared)
    return sum(1 if shown[name] == 2 else count for name, count in compared.items())


def _ranking(
    tables: PatientTables, groups: Sequence[Group], parts: dict[str, pd.Series], plan: Plan
) -> _Named:
    pieces: list[Statistic] = []
    for place, group in enumerate(groups):
        if not _has_both(group):
            continue
        mine, rest = _rows(tables.each, group, parts)
        pieces.append(ranking_within(tables, mine, _names(place, RANKING), RANKING))
        if ORACLE in tables.each.columns:
            name = (f"{place}|{ORACLE}_auroc",)
            pieces.append(ranking_within(tables, mine, name, ("auroc",), score=ORACLE))
        if group.compared:
            pieces.append(_gap(tables, (mine, rest), f"{place}|auroc_gap"))
    return _run(pieces, tables.each, plan, note=NOTE if tables.folded else "")


def _widened(
    tables: PatientTables, groups: dict[int, Group], parts: dict[str, pd.Series], plan: Plan
) -> _Named:
    pieces = [
        _gap(tables, _rows(tables.each, group, parts), f"{place}|auroc_gap_wide")
        for place, group in groups.items()
    ]
    return _run(pieces, tables.each, plan, note=NOTE if tables.folded else "")


def _calibration(
    tables: PatientTables, groups: Sequence[Group], parts: dict[str, pd.Series], plan: Plan
) -> _Named:
    frame = tables.pooled
    y, prob = floats(frame, "label"), sigmoid(floats(frame, "calibrated_logit"))
    sample = Sample(y=y, score=prob, weight=floats(frame, "weight"))
    pieces: list[Statistic] = []
    for place, group in enumerate(groups):
        if _has_both(group):
            mine, _ = _rows(frame, group, parts)
            part = sample.part(mine)
            slope = recalibration_family(part, ("calibration_slope",))
            both = joined([observed_expected(part.y, part.score), slope])
            pieces.append(renamed(restricted(both, mine), _names(place, CALIBRATION)))
    return _run(pieces, frame, plan)


def _has_both(group: Group) -> bool:
    return 0 < group.events < group.patients


def _rows(
    frame: pd.DataFrame, group: Group, parts: dict[str, pd.Series]
) -> tuple[IntArray, IntArray]:
    """Return the rows of the group, and those of everyone else whose value is known."""
    value = frame["patient_id"].map(parts[group.column])
    mine = (value == group.value).fillna(value=False).to_numpy(np.bool_)
    return np.flatnonzero(mine), np.flatnonzero(value.notna().to_numpy(np.bool_) & ~mine)


def _gap(tables: PatientTables, parts: tuple[IntArray, IntArray], name: str) -> Statistic:
    mine, rest = (ranking_within(tables, rows, (name,), ("auroc",)) for rows in parts)
    return difference(mine, rest)


def _names(place: int, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{place}|{name}" for name in names)


def _run(pieces: list[Statistic], frame: pd.DataFrame, plan: Plan, *, note: str = "") -> _Named:
    if not pieces:
        return {}
    y, weight = floats(frame, "label"), floats(frame, "weight")
    within = clusters(frame["patient_id"].to_numpy(), y, weight=weight, plan=plan)
    all_ = joined(pieces)
    scales = scales_of(all_.names)
    found = intervals(all_, within, weight=weight, plan=plan, note=note, scales=scales)
    named = ((name.partition("|"), interval) for name, interval in found.items())
    return {(int(place), key): interval for (place, _, key), interval in named}
