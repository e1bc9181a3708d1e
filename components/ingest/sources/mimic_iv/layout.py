"""MIMIC-IV's tables: which columns are read, and as what.

Johnson et al., *MIMIC-IV* 2.2, PhysioNet 2023. Names of schemas are those of its PostgreSQL set-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_ID, _TIME, _TEXT, _NUMBER = "bigint", "timestamp", "varchar", "double"


@dataclass(frozen=True)
class Table:
    """A table of MIMIC-IV.

    Attributes:
        schema: of a database; a folder's is what follows the underscore.
        name: of the table, and of its file without suffix.
        columns: name → type, of those that are read.
        time: the column that places its rows in time, where events are taken from it; else empty.
    """

    schema: str
    name: str
    columns: Mapping[str, str]
    time: str = ""

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
        "subject_id": _ID, "hadm_id": _ID, "stay_id": _ID, "first_careunit": _TEXT,
        "intime": _TIME, "outtime": _TIME,
    }),
    Table("mimiciv_hosp", "admissions", {
        "subject_id": _ID, "hadm_id": _ID, "admittime": _TIME, "dischtime": _TIME,
        "deathtime": _TIME, "admission_type": _TEXT, "admission_location": _TEXT,
        "insurance": _TEXT, "marital_status": _TEXT, "race": _TEXT, "hospital_expire_flag": _ID,
    }),
    Table("mimiciv_hosp", "patients", {
        "subject_id": _ID, "gender": _TEXT, "anchor_age": _NUMBER, "anchor_year": _NUMBER,
        "anchor_year_group": _TEXT,
    }),
    Table("mimiciv_hosp", "prescriptions", {
        "subject_id": _ID, "hadm_id": _ID, "starttime": _TIME, "stoptime": _TIME, "drug": _TEXT,
        "dose_val_rx": _TEXT, "dose_unit_rx": _TEXT, "route": _TEXT,
    }, time="starttime"),
    Table("mimiciv_hosp", "labevents", {
        "subject_id": _ID, "itemid": _ID, "charttime": _TIME, "storetime": _TIME, "value": _TEXT,
        "valueuom": _TEXT, "ref_range_lower": _NUMBER, "ref_range_upper": _NUMBER, "flag": _TEXT,
    }, time="charttime"),
    Table("mimiciv_hosp", "d_labitems", {"itemid": _ID, "label": _TEXT}),
    Table("mimiciv_hosp", "microbiologyevents", {
        "subject_id": _ID, "chartdate": _TIME, "charttime": _TIME, "storedate": _TIME,
        "storetime": _TIME, "spec_type_desc": _TEXT, "test_name": _TEXT, "org_name": _TEXT,
        "ab_name": _TEXT, "interpretation": _TEXT,
    }, time="charttime"),
    Table("mimiciv_icu", "procedureevents", {
        "subject_id": _ID, "hadm_id": _ID, "starttime": _TIME, "endtime": _TIME,
        "storetime": _TIME, "itemid": _ID, "value": _NUMBER, "valueuom": _TEXT, "location": _TEXT,
        "statusdescription": _TEXT,
    }, time="starttime"),
    Table("mimiciv_icu", "ingredientevents", {
        "subject_id": _ID, "hadm_id": _ID, "starttime": _TIME, "endtime": _TIME,
        "storetime": _TIME, "itemid": _ID, "amount": _NUMBER, "amountuom": _TEXT,
        "rate": _NUMBER, "rateuom": _TEXT, "statusdescription": _TEXT,
    }, time="starttime"),
    Table("mimiciv_icu", "d_items", {"itemid": _ID, "label": _TEXT}),
)  # fmt: skip
