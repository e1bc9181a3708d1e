"""Patients, admissions and ICU stays: who they are, when they came and went."""

from __future__ import annotations

import numpy as np

from components.ingest.synthetic.icu import sheets
from components.ingest.synthetic.icu.draw import DAY, HOUR, NEVER, IntArray, Stays
from components.ingest.synthetic.icu.mechanism import ADMISSION_TYPES, HOURS
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.streams import stream

_RACES = ("WHITE", "WHITE", "WHITE", "BLACK/AFRICAN AMERICAN", "ASIAN", "HISPANIC OR LATINO",
          "OTHER", "UNKNOWN", "___")  # fmt: skip
_MARITAL = ("MARRIED", "SINGLE", "WIDOWED", "DIVORCED", "")
_LOCATIONS = ("EMERGENCY ROOM", "EMERGENCY ROOM", "PHYSICIAN REFERRAL", "TRANSFER FROM HOSPITAL",
              "CLINIC REFERRAL")  # fmt: skip
_INSURANCE = ("Medicare", "Other", "Medicaid")
_UNITS = (
    "Medical Intensive Care Unit (MICU)", "Surgical Intensive Care Unit (SICU)",
    "Medical/Surgical Intensive Care Unit (MICU/SICU)", "Coronary Care Unit (CCU)",
    "Cardiac Vascular Intensive Care Unit (CVICU)", "Trauma SICU (TSICU)",
)  # fmt: skip
# Those who were on the ward long had, for this share, a short ICU stay before.
_EARLIER_WARD, _EARLIER = 30.0, 0.35


def write_admissions(
    tables: sheets.Sheets, stays: Stays, options: SyntheticOptions, block: int
) -> None:
    """Write one block's `patients`, `admissions` and `icustays`."""
    rng = stream(options.seed, "icu admissions", block)
    _write_patients(tables, stays)
    _write_admissions(tables, stays, rng)
    _write_stays(tables, stays, rng)


def _write_patients(tables: sheets.Sheets, stays: Stays) -> None:
    one = stays.of(stays.number == 0)
    day = np.full(one.size, NEVER)
    last = stays.of(stays.died)
    day[np.searchsorted(one.patient, last.patient)] = last.death // DAY * DAY
    tables.add("hosp/patients", one.size, {
        "subject_id": sheets.subject_id(one),
        "gender": np.where(one.female, "F", "M"),
        "anchor_age": one.anchor_age,
        "anchor_year": one.anchor_year,
        "anchor_year_group": one.period,
        "dod": [each[:10] for each in sheets.stamps(day)],
    })  # fmt: skip


def _write_admissions(tables: sheets.Sheets, stays: Stays, rng: np.random.Generator) -> None:
    flag = np.where(stays.exit == "no_label", "", np.where(stays.died, "1", "0"))
    cells = {
        "subject_id": sheets.subject_id(stays),
        "hadm_id": sheets.admission_id(stays),
        "admittime": np.array(sheets.stamps(stays.admit)),
        "dischtime": np.array(sheets.stamps(stays.discharge)),
        "deathtime": np.array(sheets.stamps(stays.death)),
        "admission_type": np.array(list(ADMISSION_TYPES))[stays.admission_type],
        "admission_location": rng.choice(_LOCATIONS, stays.size),
        "discharge_location": np.where(stays.died, "DIED", "HOME"),
        "insurance": rng.choice(_INSURANCE, stays.size),
        "language": np.full(stays.size, "ENGLISH"),
        "marital_status": rng.choice(_MARITAL, stays.size),
        "race": rng.choice(_RACES, stays.size),
        "hospital_expire_flag": flag,
    }
    there = stays.exit != "no_admission"
    tables.add("hosp/admissions", int(there.sum()), {k: v[there] for k, v in cells.items()})


def _write_stays(tables: sheets.Sheets, stays: Stays, rng: np.random.Generator) -> None:
    every = np.arange(stays.size)
    ward = (stays.intime - stays.admit) / HOUR
    before = every[(ward > _EARLIER_WARD) & (rng.random(stays.size) < _EARLIER)]
    start = stays.admit[before] + HOUR
    end = start + (rng.uniform(3.0, HOURS - 1.0, len(before)) * HOUR).astype(np.int64)
    out = np.where(stays.exit == "bad_times", stays.intime - HOUR, stays.out)
    _write_rows(
        tables, stays, rng, stay=np.concatenate([before, every]),
        ids=np.concatenate([sheets.stay_id(stays, earlier=True)[before], sheets.stay_id(stays)]),
        start=np.concatenate([start, stays.intime]), end=np.concatenate([end, out]),
    )  # fmt: skip


def _write_rows(
    tables: sheets.Sheets,
    stays: Stays,
    rng: np.random.Generator,
    *,
    stay: IntArray,
    ids: IntArray,
    start: IntArray,
    end: IntArray,
) -> None:
    unit = rng.choice(_UNITS, len(stay))
    tables.add("icu/icustays", len(stay), {
        "subject_id": sheets.subject_id(stays)[stay],
        "hadm_id": sheets.admission_id(stays)[stay],
        "stay_id": ids,
        "first_careunit": unit,
        "last_careunit": unit,
        "intime": sheets.stamps(start),
        "outtime": sheets.stamps(end),
        "los": (end - start) / DAY,
    })  # fmt: skip
