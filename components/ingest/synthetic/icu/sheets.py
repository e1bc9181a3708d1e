"""The tables of MIMIC-IV as gzipped CSV files that grow block by block, and times within stays."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import compress, islice, repeat
from pathlib import Path
from typing import Any

import numpy as np

from components.ingest.synthetic.cohort import BoolArray, FloatArray
from components.ingest.synthetic.icu.draw import ADMISSIONS, HOUR, NEVER, IntArray, Stays

FOLDERS = ("hosp", "icu")
# As MIMIC-IV 2.2 has them, `procedureevents` with two names in upper case.
COLUMNS: dict[str, str] = {
    "hosp/patients": "subject_id,gender,anchor_age,anchor_year,anchor_year_group,dod",
    "hosp/admissions": "subject_id,hadm_id,admittime,dischtime,deathtime,admission_type,"
    "admit_provider_id,admission_location,discharge_location,insurance,language,marital_status,"
    "race,edregtime,edouttime,hospital_expire_flag",
    "hosp/labevents": "labevent_id,subject_id,hadm_id,specimen_id,itemid,order_provider_id,"
    "charttime,storetime,value,valuenum,valueuom,ref_range_lower,ref_range_upper,flag,priority,"
    "comments",
    "hosp/d_labitems": "itemid,label,fluid,category",
    "hosp/microbiologyevents": "microevent_id,subject_id,hadm_id,micro_specimen_id,"
    "order_provider_id,chartdate,charttime,spec_itemid,spec_type_desc,test_seq,storedate,"
    "storetime,test_itemid,test_name,org_itemid,org_name,isolate_num,quantity,ab_itemid,ab_name,"
    "dilution_text,dilution_comparison,dilution_value,interpretation,comments",
    "hosp/prescriptions": "subject_id,hadm_id,pharmacy_id,poe_id,poe_seq,order_provider_id,"
    "starttime,stoptime,drug_type,drug,formulary_drug_cd,gsn,ndc,prod_strength,form_rx,"
    "dose_val_rx,dose_unit_rx,form_val_disp,form_unit_disp,doses_per_24_hrs,route",
    "icu/icustays": "subject_id,hadm_id,stay_id,first_careunit,last_careunit,intime,outtime,los",
    "icu/procedureevents": "subject_id,hadm_id,stay_id,caregiver_id,starttime,endtime,storetime,"
    "itemid,value,valueuom,location,locationcategory,orderid,linkorderid,ordercategoryname,"
    "ordercategorydescription,patientweight,isopenbag,continueinnextdept,statusdescription,"
    "ORIGINALAMOUNT,ORIGINALRATE",
    "icu/ingredientevents": "subject_id,hadm_id,stay_id,caregiver_id,starttime,endtime,storetime,"
    "itemid,amount,amountuom,rate,rateuom,orderid,linkorderid,statusdescription,originalamount,"
    "originalrate",
    "icu/d_items": "itemid,label,abbreviation,linksto,category,unitname,param_type,"
    "lownormalvalue,highnormalvalue",
}
# Smaller takes longer, larger takes room: half the time of the usual level for a tenth more.
_LEVEL = 4
_FIRST_PATIENT = 10_000_000
# Rows of one table and block have ids from so many on.
_ROWS_A_BLOCK = 10_000_000
Cells = Mapping[str, Sequence[Any] | np.ndarray | str | float]


class Sheets:
    """All tables of a folder, closed by `stack`; the same rows give the same bytes.

    Args:
        folder: has the sub-folders `FOLDERS`.
        patients: those beyond so many are left out.
        stack: closes the files.

    Attributes:
        rows: written so far, by table.
    """

    def __init__(self, folder: Path, patients: int, stack: ExitStack) -> None:
        self._beyond = _FIRST_PATIENT + patients
        self.rows: Counter[str] = Counter()
        self._writers: dict[str, Any] = {}
        self._names = {table: names.split(",") for table, names in COLUMNS.items()}
        for table, names in self._names.items():
            raw = stack.enter_context((folder / f"{table}.csv.gz").open("wb"))
            # Neither name nor time in the header: they would change the bytes.
            packed = gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0)
            text = io.TextIOWrapper(stack.enter_context(packed), encoding="utf-8", newline="")
            stack.enter_context(text)
            self._writers[table] = csv.writer(text, lineterminator="\n")
            self._writers[table].writerow(names)

    def add(self, table: str, size: int, cells: Cells) -> None:
        """Write `size` rows; columns that are not named are empty."""
        columns = [_column(cells.get(name, "")) for name in self._names[table]]
        rows = islice(zip(*columns, strict=False), size)
        if "subject_id" in cells:
            own = np.asarray(cells["subject_id"]) < self._beyond
            rows, size = compress(rows, own.tolist()), int(own.sum())
        self._writers[table].writerows(rows)
        self.rows[table] += size


def _column(cells: Sequence[Any] | np.ndarray | str | float) -> Any:  # noqa: ANN401 - rows to zip
    if isinstance(cells, np.ndarray):
        return cells.tolist()
    return repeat(cells) if isinstance(cells, str | float | int) else cells


def row_ids(block: int, size: int) -> IntArray:
    """Return `[size]` ids of the rows of one table and block."""
    return np.arange(size) + block * _ROWS_A_BLOCK + 1


def subject_id(stays: Stays) -> IntArray:
    """Return `[n]` ids of the patients."""
    return stays.patient + _FIRST_PATIENT


def admission_id(stays: Stays) -> IntArray:
    """Return `[n]` ids of the admissions."""
    return stays.patient * ADMISSIONS + stays.number + 20_000_000


def stay_id(stays: Stays, *, earlier: bool = False) -> IntArray:
    """Return `[n]` ids of the stays, or of a short one earlier in the same admission."""
    own = (stays.patient * ADMISSIONS + stays.number) * 2
    return own + 30_000_000 + (0 if earlier else 1)


def keys(stays: Stays, stay: IntArray) -> dict[str, IntArray]:
    """Return the ids of rows of ICU tables, `stay` `[m]` being the places of their stays."""
    return {
        "subject_id": subject_id(stays)[stay],
        "hadm_id": admission_id(stays)[stay],
        "stay_id": stay_id(stays)[stay],
    }


def stamps(times: IntArray) -> list[str]:
    """Return times as MIMIC-IV writes them; `NEVER` is an empty cell."""
    there = times != NEVER
    text = np.datetime_as_string(np.where(there, times, 0).astype("datetime64[s]"))
    return [
        each.replace("T", " ") if ok else ""
        for each, ok in zip(text.tolist(), there.tolist(), strict=True)
    ]


def moment(stays: Stays, stay: IntArray, hours: FloatArray) -> IntArray:
    """Return `[m]` times so many hours before the predictions, in whole minutes."""
    return (stays.prediction[stay] - np.round(hours * HOUR).astype(np.int64)) // 60 * 60


def happened(stays: Stays, stay: IntArray, hours: FloatArray, *, in_icu: bool = False) -> BoolArray:
    """Return `[m]` whether the patient was there then: in the hospital, or in the ICU."""
    time = moment(stays, stay, hours)
    first, last = (stays.intime, stays.out) if in_icu else (stays.admit, stays.end)
    return (time >= first[stay]) & (time <= np.minimum(last, stays.end)[stay])
