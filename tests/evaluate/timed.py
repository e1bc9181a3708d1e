"""A small cohort with times to event, trained on and ready to be analysed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components.core import runs
from components.core.data.held_out import record_opening
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import patient_tables
from components.core.report.section import Section
from components.core.store import Stage
from components.core.upstream import upstream
from components.evaluate.analysis import Context
from components.evaluate.baselines import Features
from components.evaluate.follow_up_table import FollowUp
from components.evaluate.predictions import table
from components.evaluate.predictions import test_fold as predict_fold
from components.evaluate.run import _place
from tests.chain import (
    write_table,
)

LABEL_AT = {"horizon_days": 365.0}
OPTIONS: dict[str, Any] = {
    "label": "label",
    "patient_id": "pid",
    "event_time_days": "event",
    "followup_days": "last",
    "death_days": "death",
    "tabular": {"x": "numeric", "noise": "numeric"},
}


@dataclass(frozen=True)
class Timed:
    """A trained cohort with times.

    Attributes:
        context: what the analyses look at.
        found: its follow-up.
        section: the view of times to event.
        cohort: prepared.
    """

    context: Context
    found: FollowUp
    section: Section
    cohort: Stage


def write_cohort(folder: Path, *, patients: int = 320) -> Path:
    """Write times in which `x` carries the risk; a third is censored within the year, few die."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=patients)
    onset, death = rng.exponential(500 * np.exp(-1.2 * x)), rng.exponential(3000, patients)
    last = rng.uniform(60, 900, patients)
    rows: list[dict[str, object]] = []
    for i in range(patients):
        died = death[i] < last[i] and death[i] < onset[i]
        until = death[i] if died else last[i]
        had = onset[i] <= until
        rows.append(
            {
                "pid": f"p{i:04d}", "x": x[i], "noise": rng.normal(), "label": int(had),
                "event": onset[i] if had else None, "last": until,
                "death": death[i] if died else None,
            }
        )  # fmt: skip
    return write_table(folder / "timed.csv", rows)


def timed_context(train: Stage, task: Any) -> Context:
    """Return what the analyses of a training look at."""
    behind = upstream(train)
    with runs.open_run("toy", "evaluate", {}) as recorder:
        opening = record_opening(behind.cohort, recorder)
    place = _place(behind)
    tests = [
        predict_fold(train, behind.cohort, fold, opening, place, rule="youden", recalibrate="platt")
        for fold in behind.cohort.facts["folds"]
    ]
    predictions = table(tests)
    return Context(
        stages=behind, task=task, tests=tests, predictions=predictions,
        tables=patient_tables(predictions, folded=len(tests) > 1), plan=Plan(draws=100),
        place=place, opening=opening,
        features=Features(float(behind.cohort.facts["ecg"]["fs"])),
    )  # fmt: skip
