"""The manifest of the surveillance part."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from components.ingest.synthetic.columns import TABULAR, patient_cells, whole, with_gaps
from components.ingest.synthetic.surveillance.hazards import CATEGORIES
from components.ingest.synthetic.surveillance.visit import Surveyed, Visit
from components.ingest.synthetic.trajectory import RECRUITMENT_DAYS

COLUMNS = (
    "patient_id",
    "recording_id",
    "path",
    "site",
    "index_time",
    "ecg_time",
    "echo_time",
    "lvef",
    "intervention_time",
    "event_time_days",
    "death_days",
    "followup_days",
    "prevalent",
    "risk_category",
    "quality",
    "anchor_year_group",
    "ecg_fs",
    "ecg_unit",
    "ecg_leads",
    *TABULAR,
)
# Groups of recruitment as MIMIC-IV names them: there the dates are shifted per patient and tell
# nothing of the calendar, so the groups are in order and the years are not those of the dates.
YEAR_GROUPS = ("2008 - 2010", "2011 - 2013", "2014 - 2016", "2017 - 2019")
# Share of patients whom no expert has put into a risk category.
_NOT_ANNOTATED = 0.03


def columns(*, split: bool) -> tuple[str, ...]:
    """Return the manifest's header."""
    return (*COLUMNS, *(("split",) if split else ()))


def visit_cells(
    surveyed: Surveyed, patient: int, visit: Visit, rng: np.random.Generator, *, nuisance: bool
) -> dict[str, Any]:
    """Return the cells that a patient's recordings share."""
    drawn = surveyed.drawn
    annotated = rng.random() >= _NOT_ANNOTATED
    own = patient_cells(drawn.cohort, drawn.outcomes, patient)
    cells = {name: own[name] for name in ("site", *TABULAR)}
    cells = with_gaps(cells, rng) if nuisance else cells
    group = int(drawn.outcomes.start_day[patient] * len(YEAR_GROUPS) // RECRUITMENT_DAYS)
    paired = visit.echoes[0] if visit.echoes else None
    category = CATEGORIES[surveyed.future.annotated[patient]]
    return cells | {
        "patient_id": f"P{int(drawn.cohort.index[patient]):07d}",
        "echo_time": _text(paired.time if paired else None),
        "lvef": whole(paired.lvef if paired else np.nan),
        "intervention_time": _text(visit.intervention),
        "prevalent": whole(drawn.cohort.prior_hf[patient]),
        "risk_category": category if annotated or not nuisance else "",
        "anchor_year_group": YEAR_GROUPS[group],
    }


def outcome_cells(surveyed: Surveyed, patient: int, visit: Visit, number: int) -> dict[str, Any]:
    """Return the cells that count from recording `number`, which is its own index date."""
    future, index = surveyed.future, visit.ecg_times[number]
    gap = (index - visit.first) / timedelta(days=1)
    censoring, death = future.censoring[patient], future.death[patient]
    followup, event = min(censoring, death), future.event[patient]
    return {
        "index_time": index.isoformat(),
        "event_time_days": _days(event - gap if event <= followup else np.nan),
        "death_days": _days(death - gap if death <= censoring else np.nan),
        "followup_days": _days(followup - gap),
    }


def _days(value: float) -> str:
    """Return whole days, rounded up: an event on the day itself is one after it."""
    return whole(float(np.ceil(value)))


def _text(time: datetime | None) -> str:
    return "" if time is None else time.isoformat()
