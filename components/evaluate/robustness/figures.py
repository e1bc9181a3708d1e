"""Figures under every condition and their difference to the undisturbed recordings, paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from components.core.metrics.bootstrap import difference, intervals, scales_of
from components.core.metrics.calibration import error_family
from components.core.metrics.checks import FloatArray, IntArray
from components.core.metrics.folds import mean_over_folds
from components.core.metrics.interval import Interval
from components.core.metrics.metric import Sample, Statistic, joined
from components.core.metrics.part import renamed, restricted
from components.core.metrics.resampling import RARE_PATIENTS, Plan, clusters
from components.core.metrics.tables import floats, folded, patient_table, sigmoid
from components.evaluate.robustness.recordings import Condition

NAMES = ("auroc", "auprc", "brier")
BASE = "base"


@dataclass(frozen=True, kw_only=True)
class Disturbed:
    """A condition and what it came to.

    Attributes:
        condition: what was done.
        figures: by name of `NAMES`, and each with `_diff`: disturbed minus undisturbed; empty
            where the model gives no answer or nothing changes.
        patients: with an answer.
        events: of them with the event.
    """

    condition: Condition
    figures: dict[str, Interval]
    patients: int
    events: int


@dataclass(frozen=True, kw_only=True)
class Found:
    """The whole battery.

    Attributes:
        base: figures of the undisturbed recordings.
        disturbed: in the order of the conditions.
        records: used, and `of_records` in the test part (first repeat).
        of_records: see `records`.
        patients: used.
        events: of them.
        prevalence: weighted.
    """

    base: dict[str, Interval]
    disturbed: tuple[Disturbed, ...]
    records: int
    of_records: int
    patients: int
    events: int
    prevalence: float

    @property
    def powered(self) -> bool:
        """Return whether either class has 20 patients."""
        return min(self.events, self.patients - self.events) >= RARE_PATIENTS


def compare(
    predictions: pd.DataFrame, conditions: Sequence[Condition], plan: Plan, *, of_records: int
) -> Found:
    """Return the figures; a recording without an answer is left out of its condition's.

    Args:
        predictions: per record `repeat, fold, patient_id, label, weight`, and `logit.<key>` and
            `calibrated.<key>` (log-odds) for `base` and every condition that changes something.
            Where a fold's undisturbed records have no calibrated ones, Brier scores are left out.
        conditions: all of them.
        plan: the bootstrap.
        of_records: how many records there were to draw from.
    """
    columns = [c for c in predictions.columns if c.startswith(("logit.", "calibrated."))]
    each = patient_table(predictions, columns)
    statistics = [_figures(each, BASE, np.arange(len(each)))]
    answered: dict[str, IntArray] = {}
    for condition in conditions:
        if f"logit.{condition.key}" in each.columns:
            rows = np.flatnonzero(each[f"logit.{condition.key}"].notna())
            answered[condition.key] = rows
            statistics += _pair(each, condition.key, rows) if len(rows) else []
    y, weight = floats(each, "label"), floats(each, "weight")
    within = clusters(each["patient_id"].to_numpy(), y, weight=weight, plan=plan)
    all_ = joined(statistics)
    found = intervals(all_, within, weight=weight, plan=plan, scales=scales_of(all_.names))
    return Found(
        base=_of(found, BASE),
        disturbed=tuple(
            _disturbed(c, _of(found, c.key), y[answered.get(c.key, _NOBODY)]) for c in conditions
        ),
        records=len(predictions),
        of_records=of_records,
        patients=len(each),
        events=int(y.sum()),
        prevalence=float(np.average(y, weights=weight)),
    )


_NOBODY: IntArray = np.zeros(0, np.int64)


def _disturbed(condition: Condition, figures: dict[str, Interval], y: FloatArray) -> Disturbed:
    return Disturbed(condition=condition, figures=figures, patients=len(y), events=int(y.sum()))


def _pair(each: pd.DataFrame, key: str, rows: IntArray) -> list[Statistic]:
    own, base = _figures(each, key, rows), _figures(each, BASE, rows)
    gap = difference(renamed(own, tuple(f"{name}_diff" for name in own.names)), base)
    return [own, gap]


def _figures(each: pd.DataFrame, key: str, rows: IntArray) -> Statistic:
    """Return AUROC and AUPRC (within folds) and the Brier score of some rows of `each`."""
    part = each.iloc[rows]
    y, weight = floats(part, "label"), floats(part, "weight")
    table = folded(part, f"logit.{key}")
    parts = [mean_over_folds(table, NAMES[:2])]
    if each[f"calibrated.{BASE}"].notna().all():
        prob = sigmoid(floats(part, f"calibrated.{key}"))
        parts.append(error_family(Sample(y=y, score=prob, weight=weight), ("brier",)))
    both = joined(parts)
    return renamed(restricted(both, rows), tuple(f"{key}|{name}" for name in both.names))


def _of(found: dict[str, Interval], key: str) -> dict[str, Interval]:
    own = {name.partition("|"): interval for name, interval in found.items()}
    return {name: interval for (who, _, name), interval in own.items() if who == key}
