"""Small folders in both layouts of the HANCOCK data set."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.ingest.sources.hancock.feature_files import OUTCOMES, STAINS, TABLES
from components.ingest.sources.hancock.fields import FIELDS, Field
from tests.chain import write_table

Row = dict[str, Any]


def course(number: int, **more: Any) -> Row:
    """Return a living patient's outcomes, followed for 2,000 days."""
    plain: Row = {
        "patient_id": f"{number:03d}", "recurrence": "no", "days_to_recurrence": None,
        "survival_status": "living", "survival_status_with_cause": "living",
        "days_to_last_information": 2000, "rfs_event": 0, "days_to_rfs_event": -5,
    }  # fmt: skip
    return plain | more


def write_features(
    folder: Path, courses: Sequence[Row], *, change: dict[str, Row] | None = None
) -> Path:
    """Write all files of the layout `features`.

    Args:
        folder: receives them.
        courses: one outcome a patient.
        change: table → cells of the first patient; a cell `drop` leaves the row out.
    """
    write_table(folder / OUTCOMES, courses)
    patients = [str(each["patient_id"]) for each in courses]
    for modality, file in TABLES.items():
        rows = [_codes(FIELDS[modality], patient) for patient in patients]
        own = (change or {}).get(file, {})
        rows[0] |= {name: value for name, value in own.items() if name != "drop"}
        write_table(folder / file, rows[1:] if "drop" in own else rows)
    for stain in STAINS:
        write_stain(folder, stain, patients)
    return folder


def _codes(fields: Sequence[Field], patient: str) -> Row:
    place = int(patient)
    return {"patient_id": patient} | {
        each.name: place % len(each.coded) if each.coded else place % 7 for each in fields
    }


def write_stain(folder: Path, stain: str, patients: Sequence[str]) -> None:
    """Write vectors of one stain: all entries are the stain's place plus the patient's number."""
    value = STAINS.index(stain)
    vectors = {each: np.full(512, value + int(each), np.float32) for each in patients}
    np.savez(folder / f"tma_tile_dtr_256_{stain}.npz", **vectors)  # pyright: ignore[reportArgumentType]


CLINICAL: Row = {
    "year_of_initial_diagnosis": 2015, "age_at_initial_diagnosis": 65, "sex": "male",
    "smoking_status": "former", "primarily_metastasis": None,
    "first_treatment_intent": "curative", "first_treatment_modality": "local surgery",
    "days_to_first_treatment": 28, "adjuvant_radiotherapy": "yes",
}  # fmt: skip
PATHOLOGICAL: Row = {
    "primary_tumor_site": "Hypopharynx", "pT_stage": "pT4a", "pN_stage": "pN2b", "grading": "GX",
    "hpv_association_p16": "not_tested", "number_of_positive_lymph_nodes": 3.0,
    "number_of_resected_lymph_nodes": 61, "perinodal_invasion": "yes",
    "lymphovascular_invasion_L": "unknown", "vascular_invasion_V": "no",
    "perineural_invasion_Pn": "no", "resection_status": "R0",
    "resection_status_carcinoma_in_situ": "CIS Absent", "carcinoma_in_situ": "no",
    "closest_resection_margin_in_cm": "<0.1", "histologic_type": "SCC_Basaloid",
    "infiltration_depth_in_mm": 19.0,
}  # fmt: skip


def blood(patient: str, value: float, before: int, name: str = "") -> Row:
    """Return one blood value."""
    return {
        "patient_id": patient, "value": value, "unit": "x10^3/µl", "analyte_name": "Lymphocytes",
        "LOINC_code": "26474-7", "LOINC_name": name or "Lymphocytes [#/volume] in Blood",
        "group": "Hematology", "days_before_first_treatment": before,
    }  # fmt: skip


def core(patient: str, image: str, density: float, *, missing: bool = False) -> Row:
    """Return one core of a tissue microarray."""
    return {
        "Image": image, "Missing": missing, "Case ID": patient, "Num Positive per mm^2": density,
    }  # fmt: skip


def write_published(folder: Path, courses: Sequence[Row], **tables: Any) -> Path:
    """Write all files of the layout `published`.

    Args:
        folder: receives them.
        courses: one outcome a patient.
        tables: `clinical`, `pathological`: cells of the first patient; `blood`, `cores`: rows;
            `codes`: patient → text.
    """
    for name in ("StructuredData", "TextData/icd_codes", "TMA_CellDensityMeasurements"):
        (folder / name).mkdir(parents=True)
    root = folder / "StructuredData"
    patients = [str(each["patient_id"]) for each in courses]
    clinical = [CLINICAL | each for each in courses]
    pathological = [PATHOLOGICAL | {"patient_id": each} for each in patients]
    clinical[0] |= tables.get("clinical", {})
    pathological[0] |= tables.get("pathological", {})
    samples = tables.get("blood", [blood(patients[0], 1.26, 0)])
    for name, rows in (("clinical", clinical), ("pathological", pathological), ("blood", samples)):
        (root / f"{name}_data.json").write_text(json.dumps(rows), encoding="utf-8")
    for patient, text in tables.get("codes", {patients[0]: "Tongue [C02.1]"}).items():
        (folder / f"TextData/icd_codes/SurgeryReport_ICD_Codes_{patient}.txt").write_text(text)
    cores = tables.get("cores", [core(patients[0], "TumorCenter_CD3_block1.svs", 100.0)])
    write_table(folder / "TMA_CellDensityMeasurements/TMA_celldensity_measurements.csv", cores)
    return folder
