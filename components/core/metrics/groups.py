"""Figures within groups of patients, and the level at which many of them are looked at."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from components.core.metrics.checks import IntArray
from components.core.metrics.folds import FoldTable, mean_over_folds
from components.core.metrics.metric import Statistic
from components.core.metrics.part import renamed, restricted
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import PatientTables, fold_table

# Draws beyond each bound of the widened interval: with 20 its place in SDs is known within 0.1.
_TAIL_DRAWS = 20
_COLUMNS = ("patient", "repeat", "fold", "y", "score", "weight")


def ranking_within(
    tables: PatientTables,
    rows: IntArray,
    names: tuple[str, ...],
    metrics: tuple[str, ...],
    *,
    score: str = "logit",
) -> Statistic:
    """Return ranking figures of a part of the patients, as means within folds, over all rows.

    Args:
        tables: predictions of everyone.
        rows: places of the part in `tables.each`.
        names: what the figures are to be called.
        metrics: which figures, in the order of `names`.
        score: column of `tables.each`; higher means more likely positive.
    """
    table = fold_table(tables, score)
    part: dict[str, Any] = {name: np.asarray(getattr(table, name))[rows] for name in _COLUMNS}
    return renamed(restricted(mean_over_folds(FoldTable(**part), metrics), rows), names)


def widened(plan: Plan, comparisons: int) -> Plan:
    """Return the plan whose intervals hold for all comparisons at once (Bonferroni).

    >>> round(widened(Plan(draws=2000), 5).level, 4), widened(Plan(draws=2000), 100).draws
    (0.99, 80000)
    """
    level = 1 - (1 - plan.level) / max(comparisons, 1)
    # The level's own rounding must not add a draw.
    wanted = math.ceil(round(2 * _TAIL_DRAWS / (1 - level), 6))
    return replace(plan, level=level, draws=max(plan.draws, wanted))
