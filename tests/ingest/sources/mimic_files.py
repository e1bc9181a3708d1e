"""A tiny hospital in MIMIC-IV's layout: three stays of three patients, some events each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from components.core.data.mimic_iv_tables import TABLES
from components.core.data.stored_events import EVENT_KINDS
from components.ingest.records import Record, Reject
from components.ingest.sources import mimic_iv

Rows = dict[str, list[dict[str, Any]]]
Change = Callable[[Rows], object]
# The prediction of every stay is made a day after this.
INTIME = "2150-03-01 12:00:00"
PREDICTION = "2150-03-02 12:00:00"
SMALL = mimic_iv.Options(memory_gb=1)


def hospital(patients: int = 3) -> Rows:
    """Return the rows of every table; each patient has an event of each of the five types."""
    rows: Rows = {table.name: [] for table in TABLES}
    rows["d_labitems"] = [{"itemid": 50912, "label": "Creatinine"}]
    rows["d_items"] = [{"itemid": 225752, "label": "Arterial Line"},
                       {"itemid": 226509, "label": "Water"}]  # fmt: skip
    for i in range(patients):
        _stay(rows, 100 + i, died=i == 0)
    return rows


def _stay(rows: Rows, number: int, *, died: bool) -> None:
    """Add a patient with one admission and one stay, all with this number."""
    who: dict[str, Any] = {"subject_id": number, "hadm_id": number}
    rows["icustays"].append({
        **who, "stay_id": number, "first_careunit": "MICU", "intime": INTIME,
        "outtime": "2150-03-05 12:00:00",
    })  # fmt: skip
    rows["admissions"].append({
        **who, "admittime": "2150-02-28 12:00:00", "dischtime": "2150-03-09 12:00:00",
        "deathtime": "2150-03-09 12:00:00" if died else None, "admission_type": "URGENT",
        "admission_location": "CLINIC", "insurance": "Other", "marital_status": "MARRIED",
        "race": "WHITE", "hospital_expire_flag": int(died),
    })  # fmt: skip
    rows["patients"].append({
        "subject_id": number, "gender": "F", "anchor_age": 60, "anchor_year": 2145,
        "anchor_year_group": "2011 - 2013",
    })  # fmt: skip
    rows["prescriptions"].append({
        **who, "starttime": "2150-03-01 08:00:00", "stoptime": "2150-03-03 08:00:00",
        "drug": "Heparin", "dose_val_rx": "1-2", "dose_unit_rx": "mL", "route": "IV",
    })  # fmt: skip
    rows["labevents"].append({
        "subject_id": number, "itemid": 50912, "charttime": "2150-03-02 06:00:00",
        "storetime": "2150-03-02 07:00:00", "value": "1.50", "valueuom": "mg/dL",
        "ref_range_lower": 0.4, "ref_range_upper": 1.1, "flag": "abnormal",
    })  # fmt: skip
    rows["microbiologyevents"].append({
        "subject_id": number, "chartdate": "2150-03-01 00:00:00",
        "charttime": "2150-03-01 09:00:00", "storedate": "2150-03-02 00:00:00",
        "storetime": "2150-03-02 10:00:00", "spec_type_desc": "URINE", "test_name": "CULTURE",
        "org_name": "ESCHERICHIA COLI", "ab_name": "CEFAZOLIN", "interpretation": "S",
    })  # fmt: skip
    rows["procedureevents"].append({
        **who, "starttime": "2150-03-01 13:00:00", "endtime": "2150-03-04 13:00:00",
        "storetime": "2150-03-04 14:00:00", "itemid": 225752, "value": 4320, "valueuom": "min",
        "location": "Left", "statusdescription": "FinishedRunning",
    })  # fmt: skip
    rows["ingredientevents"].append({
        **who, "starttime": "2150-03-01 14:00:00", "endtime": "2150-03-01 15:00:00",
        "storetime": "2150-03-01 15:30:00", "itemid": 226509, "amount": 12.5, "amountuom": "ml",
        "rate": 12.5, "rateuom": "mL/hour", "statusdescription": "FinishedRunning",
    })  # fmt: skip


def write_mimic(folder: Path, rows: Rows, suffix: str = ".csv.gz") -> Path:
    """Write every table, as CSV (packed or not) or Parquet, and return the folder."""
    for table in TABLES:
        frame = pd.DataFrame(rows[table.name])
        if frame.empty:
            frame = pd.DataFrame(columns=list(table.columns))
        file = folder / table.folder / f"{table.name}{suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        if suffix == ".parquet":
            frame.to_parquet(file, index=False)
        else:
            frame.to_csv(file, index=False)
    return folder


def written(folder: Path, *changes: Change, suffix: str = ".csv.gz", patients: int = 3) -> Path:
    """Write the hospital after some changes of its rows, and return the folder."""
    rows = hospital(patients)
    for change in changes:
        change(rows)
    return write_mimic(folder, rows, suffix)


def read_all(
    path: mimic_iv.Place, options: mimic_iv.Options = SMALL
) -> tuple[list[Record], list[Reject]]:
    """Return the records and the rejects of a folder or database."""
    items = list(mimic_iv.read(path, options))
    assert mimic_iv.count(path, options) == len(items)
    return (
        [each for each in items if isinstance(each, Record)],
        [each for each in items if isinstance(each, Reject)],
    )


def told_of(record: Record) -> list[tuple[float, str, str]]:
    """Return hours before the prediction, kind and text of a record's events."""
    events = record.events
    assert events is not None
    hours = (events.seconds / 3600).tolist()
    kinds = [EVENT_KINDS[kind] for kind in events.kind]
    return list(zip(hours, kinds, events.text.to_pylist(), strict=True))


def shown(record: Record) -> tuple[Any, ...]:
    """Return all that must be the same of a record however it was read."""
    return (record.record_id, record.patient_id, record.label, record.index_time, record.period,
            record.tabular, told_of(record))  # fmt: skip
