"""MIMIC-IV's tables: which columns are read, and as what.

Johnson et al., *MIMIC-IV* 2.2, PhysioNet 2023. Names of schemas are those of its PostgreSQL set-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TIME, TEXT = "timestamp", "varchar"
_ID, _NUMBER = "bigint", "double"


@dataclass(frozen=True)
class Table:
    """A table of MIMIC-IV.

    Attributes:
        schema: of a database; a folder's is what follows the underscore.
        name: of the table, and of its file without suffix.
        columns: name → type, of those that are read.
        time: the column that places its rows in time, where events are taken from it; else empty.
        stored: the column that says from when a row is known; empty where its time says so.
        day: the column that places rows whose time is empty; empty where there is none.
    """

    schema: str
    name: str
    columns: Mapping[str, str]
    time: str = ""
    stored: str = ""
    day: str = ""

    @property
    def folder(self) -> str:
        """Return the folder that its file lies in."""
        return self.schema.removeprefix("mimiciv_")

    @property
    def qualified(self) -> str:
        """Return its name in SQL."""
        return f"{self.schema}.{self.name}"


TABLES = (
    Table("mimiciv_icu", "icustays", {
        "subject_id": _ID, "hadm_id": _ID, "stay_id": _ID, "first_careunit": TEXT,
        "intime": TIME, "outtime": TIME,
    }),
    Table("mimiciv_hosp", "admissions", {
        "subject_id": _ID, "hadm_id": _ID, "admittime": TIME, "dischtime": TIME,
        "deathtime": TIME, "admission_type": TEXT, "admission_location": TEXT,
        "insurance": TEXT, "marital_status": TEXT, "race": TEXT, "hospital_expire_flag": _ID,
    }),
    Table("mimiciv_hosp", "patients", {
        "subject_id": _ID, "gender": TEXT, "anchor_age": _NUMBER, "anchor_year": _NUMBER,
        "anchor_year_group": TEXT,
    }),
    Table("mimiciv_hosp", "prescriptions", {
        "subject_id": _ID, "hadm_id": _ID, "starttime": TIME, "stoptime": TIME, "drug": TEXT,
        "dose_val_rx": TEXT, "dose_unit_rx": TEXT, "route": TEXT,
    }, time="starttime"),
    Table("mimiciv_hosp", "labevents", {
        "subject_id": _ID, "itemid": _ID, "charttime": TIME, "storetime": TIME, "value": TEXT,
        "valueuom": TEXT, "ref_range_lower": _NUMBER, "ref_range_upper": _NUMBER, "flag": TEXT,
    }, time="charttime", stored="storetime"),
    Table("mimiciv_hosp", "d_labitems", {"itemid": _ID, "label": TEXT}),
    Table("mimiciv_hosp", "microbiologyevents", {
        "subject_id": _ID, "chartdate": TIME, "charttime": TIME, "storedate": TIME,
        "storetime": TIME, "spec_type_desc": TEXT, "test_name": TEXT, "org_name": TEXT,
        "ab_name": TEXT, "interpretation": TEXT,
    }, time="charttime", stored="storetime", day="chartdate"),
    Table("mimiciv_icu", "procedureevents", {
        "subject_id": _ID, "hadm_id": _ID, "starttime": TIME, "endtime": TIME,
        "storetime": TIME, "itemid": _ID, "value": _NUMBER, "valueuom": TEXT, "location": TEXT,
        "statusdescription": TEXT,
    }, time="starttime"),
    Table("mimiciv_icu", "ingredientevents", {
        "subject_id": _ID, "hadm_id": _ID, "starttime": TIME, "endtime": TIME,
        "storetime": TIME, "itemid": _ID, "amount": _NUMBER, "amountuom": TEXT,
        "rate": _NUMBER, "rateuom": TEXT, "statusdescription": TEXT,
    }, time="starttime"),
    Table("mimiciv_icu", "d_items", {"itemid": _ID, "label": TEXT}),
)  # fmt: skip
