"""The manifest's columns, and the cells that a hospital leaves empty."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from components.ingest.synthetic.cohort import Cohort
from components.ingest.synthetic.trajectory import Outcomes

TABULAR = (
    "age",
    "sex",
    "bmi",
    "hypertension",
    "diabetes",
    "prior_hf",
    "cancer_type",
    "therapy",
    "anthracycline_dose",
    "anti_her2",
    "radiotherapy",
    "lvef_baseline",
)
COLUMNS = (
    "patient_id",
    "recording_id",
    "path",
    "label",
    "index_time",
    "ecg_time",
    "followup_days",
    "event_time_days",
    "death_days",
    "site",
    "ecg_fs",
    "ecg_unit",
    "ecg_leads",
    *TABULAR,
)
LEAK_COLUMN, GAP_COLUMN = "cardiac_review_code", "cardiology_visit_days"
LATE_COLUMN, LATE_TIME = "troponin_followup", "troponin_followup_time"
_LEAKED = {
    "label_column": (LEAK_COLUMN,),
    "label_gap": (GAP_COLUMN,),
    "late_feature": (LATE_COLUMN, LATE_TIME),
}
# First day of recruitment; therapy starts at nine.
_EPOCH = datetime(2018, 1, 1, 9, 0)  # noqa: DTZ001 - hospital files hold local times without zone
# Share of cells missing at random, and not at random: obese patients are weighed less often, a
# good LVEF is more often written in words than as a number.
_AT_RANDOM = {"bmi": 0.02, "hypertension": 0.01, "diabetes": 0.02, "anthracycline_dose": 0.01}
_OBESE, _OBESE_MISSING = 33.0, 0.10
_GOOD_LVEF, _LVEF_MISSING = 65.0, 0.04


def columns(leaks: tuple[str, ...], *, split: bool) -> tuple[str, ...]:
    """Return the header for a cohort with these leaks."""
    leaked = [column for name, own in _LEAKED.items() if name in leaks for column in own]
    return (*COLUMNS, *leaked, *(("split",) if split else ()))


def index_time(outcomes: Outcomes, row: int) -> datetime:
    """Return the start of therapy of the patient in `row`."""
    return _EPOCH + timedelta(days=float(outcomes.start_day[row]))


def patient_cells(cohort: Cohort, outcomes: Outcomes, row: int) -> dict[str, Any]:
    """Return the patient's cells of the manifest, complete."""
    return {
        "label": whole(outcomes.label[row]),
        "index_time": index_time(outcomes, row).isoformat(),
        "followup_days": whole(outcomes.followup_days[row]),
        "event_time_days": whole(outcomes.event_day[row]),
        "death_days": whole(outcomes.death_day[row]),
        "site": str(cohort.site[row]),
        "age": whole(cohort.age[row]),
        "sex": "F" if cohort.female[row] else "M",
        "bmi": f"{cohort.bmi[row]:.1f}",
        "hypertension": whole(cohort.hypertension[row]),
        "diabetes": whole(cohort.diabetes[row]),
        "prior_hf": whole(cohort.prior_hf[row]),
        "cancer_type": str(cohort.cancer[row]),
        "therapy": str(cohort.therapy()[row]),
        "anthracycline_dose": whole(cohort.anthracycline_dose[row]),
        "anti_her2": whole(cohort.anti_her2[row]),
        "radiotherapy": whole(cohort.radiotherapy[row]),
        "lvef_baseline": whole(cohort.lvef_baseline[row]),
    }


def whole(value: float) -> str:
    """Return a whole number as text, nothing for NaN."""
    return "" if np.isnan(value) else str(int(value))


def with_gaps(cells: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Return the cells with some left empty, at random and not at random."""
    share = dict(_AT_RANDOM)
    if float(cells["bmi"]) > _OBESE:
        share["bmi"] = _OBESE_MISSING
    if float(cells["lvef_baseline"]) >= _GOOD_LVEF:
        share["lvef_baseline"] = _LVEF_MISSING
    chance = rng.random(len(share))
    empty = {name for draw, name in zip(chance, share, strict=True) if draw < share[name]}
    return {name: "" if name in empty else value for name, value in cells.items()}
