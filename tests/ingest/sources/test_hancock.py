"""HANCOCK's two layouts: entries by name, outcomes, what never enters, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.core.errors import InputError
from components.ingest.records import EmbeddingValues, Endpoint, Record, Reject
from components.ingest.sources.hancock import Options, features, read
from components.ingest.sources.hancock.fields import FIELDS
from tests.chain import write_table
from tests.ingest.sources.hancock_files import (
    blood,
    core,
    course,
    write_features,
    write_published,
    write_stain,
)

# Parts of names of what tells the outcome, or is known only after the first treatment.
TELLING = (
    "surviv", "recurrence", "progress", "days_to", "rfs", "treatment", "therapy", "adjuvant",
    "year", "t810",
)  # fmt: skip
PUBLISHED = Options(layout="published")


def items(folder: Path, options: Options | None = None) -> list[Record | Reject]:
    return list(read(folder, options or Options()))


def records(folder: Path, options: Options | None = None) -> list[Record]:
    found = items(folder, options)
    assert not [each for each in found if isinstance(each, Reject)]
    return [each for each in found if isinstance(each, Record)]


def entries(record: Record, name: str) -> dict[str, float]:
    own = record.embeddings[name]  # pyright: ignore[reportArgumentType]
    assert isinstance(own, EmbeddingValues)
    assert own.values.shape == (1, len(own.columns))
    return dict(zip(own.columns, own.values[0].tolist(), strict=True))


def test_nothing_that_tells_the_outcome_has_an_entry() -> None:
    names = [entry for fields in FIELDS.values() for each in fields for entry in each.entries]
    assert len(names) == len(set(names)) == 97
    assert not [n for n in names if any(word in n.lower() for word in TELLING)]


def test_codes_become_named_entries(tmp_path: Path) -> None:
    change = {
        "clinical.csv": {"smoking_status": 0, "sex": 1, "primarily_metastasis": None},
        "pathological.csv": {"pT_stage": 7, "pN_stage": 0, "grading": "3.0", "resection_status": 3},
        "icd_codes.csv": {"c020": 2, "c021": 0},
    }
    (first, second) = records(write_features(tmp_path, [course(1), course(2)], change=change))
    assert (first.patient_id, first.label, first.tabular, first.row) == ("001", None, {}, 2)
    clinical = entries(first, "emb_clinical")
    assert clinical["smoking_status=former"] == clinical["sex=female"] == 1
    assert clinical["smoking_status=smoker"] == 0
    assert np.isnan(clinical["primarily_metastasis=yes"])
    assert first.embeddings["emb_clinical"].quality == pytest.approx(5 / 6)
    tumour = entries(first, "emb_pathological")
    assert [n for n, v in tumour.items() if "T_stage" in n and v == 1] == ["pT_stage=pT4"]
    assert tumour["grading=hpv_association_p16"] == 1
    gaps = {n.split("=")[0] for n, value in tumour.items() if np.isnan(value)}
    assert gaps == {"pN_stage", "resection_status"}
    codes = entries(first, "emb_semantic")
    assert (codes["c020"], codes["c021"]) == (1, 0)
    spatial = entries(second, "emb_spatial")
    assert spatial["tissue_000"] == spatial["tissue_511"] == 2 + 3.5
    assert len(spatial) == 516
    assert features(tmp_path, Options()) == {}


def test_what_a_patient_lacks_is_absent(tmp_path: Path) -> None:
    change = {name: {"drop": True} for name in ("blood.csv", "icd_codes.csv", "pathological.csv",
                                                "tma_cell_density.csv")}  # fmt: skip
    write_features(tmp_path, [course(1), course(2)], change=change)
    write_stain(tmp_path, "CD3", ["002"])
    first, second = records(tmp_path)
    assert set(first.embeddings) == {"emb_clinical", "emb_spatial"}
    spatial = entries(first, "emb_spatial")
    assert np.isnan(spatial["cd3_z"])
    # The mean over the other seven stains, whose places are 0 and 2 to 7.
    assert spatial["tissue_000"] == pytest.approx(1 + 27 / 7)
    assert first.embeddings["emb_spatial"].quality == pytest.approx(512 / 516)
    assert set(second.embeddings) == set(FIELDS)


@pytest.mark.parametrize(
    ("own", "death", "recurrence"),
    [
        ({}, None, Endpoint(followup_days=2000)),
        ({"survival_status": "deceased"}, 2000, Endpoint(followup_days=2000, death_days=2000)),
        ({"recurrence": "yes", "days_to_recurrence": 300}, None,
         Endpoint(event_time_days=300, followup_days=2000)),
        ({"recurrence": "yes", "days_to_recurrence": 300, "survival_status": "deceased"}, 2000,
         Endpoint(event_time_days=300, followup_days=2000)),
    ],
)  # fmt: skip
def test_death_competes_with_recurrence(
    tmp_path: Path, own: dict[str, Any], death: float | None, recurrence: Endpoint
) -> None:
    (record,) = records(write_features(tmp_path, [course(1, **own)]))
    assert (record.event_time_days, record.followup_days) == (death, 2000)
    assert record.death_days is None
    assert record.endpoints == {"recurrence": recurrence}


@pytest.mark.parametrize(
    ("own", "code", "field"),
    [
        ({"survival_status": "7"}, "unknown_category", "survival_status"),
        ({"survival_status": None}, "missing_value", "survival_status"),
        ({"recurrence": "yes"}, "missing_value", "days_to_recurrence"),
        ({"days_to_recurrence": 9}, "contradiction", "days_to_recurrence"),
        ({"days_to_last_information": None}, "missing_value", "days_to_last_information"),
        ({"days_to_last_information": -1}, "event_before_index", "days_to_last_information"),
        ({"days_to_last_information": "soon"}, "not_a_number", "days_to_last_information"),
    ],
)
def test_an_outcome_that_cannot_be_is_refused(
    tmp_path: Path, own: dict[str, Any], code: str, field: str
) -> None:
    found = items(write_features(tmp_path, [course(1, **own), course(2)]))
    (reject,) = [each for each in found if isinstance(each, Reject)]
    assert (reject.code, reject.field, reject.row, reject.file) == (code, field, 2, "targets.csv")
    assert len(found) == 2


@pytest.mark.parametrize(
    ("file", "own", "code"),
    [
        ("clinical.csv", {"sex": 2}, "unknown_category"),
        ("clinical.csv", {"smoking_status": 0.5}, "unknown_category"),
        ("clinical.csv", {"age_at_initial_diagnosis": "old"}, "not_a_number"),
        ("icd_codes.csv", {"c020": -1}, "not_a_number"),
    ],
)
def test_a_cell_that_cannot_be_refuses_the_patient(
    tmp_path: Path, file: str, own: dict[str, Any], code: str
) -> None:
    found = items(write_features(tmp_path, [course(1), course(2)], change={file: own}))
    assert [each.code for each in found if isinstance(each, Reject)] == [code]
    assert [each.patient_id for each in found if isinstance(each, Record)] == ["002"]


def test_a_patient_twice_and_one_without_outcome_are_refused(tmp_path: Path) -> None:
    write_features(tmp_path, [course(1), course(2), course(1)])
    found = items(tmp_path)
    rejects = [each for each in found if isinstance(each, Reject)]
    assert [each.code for each in rejects] == ["duplicate_patient"] * 6
    assert rejects[0].reason == "the patient of line 2 comes again"
    write_table(tmp_path / "targets.csv", [course(2)])
    codes = [each.code for each in items(tmp_path) if isinstance(each, Reject)]
    assert codes == ["duplicate_patient"] * 5 + ["no_outcome"] * 5


def test_blood_values_that_were_filled_in_are_missing(tmp_path: Path) -> None:
    # Patients 1 and 8 agree in all sixteen values, which are modes therefore.
    change = {"blood.csv": {f.name: 2 for f in FIELDS["emb_temporal"][1:]}}
    write_features(tmp_path, [course(3), course(1), course(8)], change=change)
    table = tmp_path / "blood.csv"
    lines = table.read_text().splitlines()
    lines[1] = lines[1].replace("003,3,2", "003,1,2")
    table.write_text("\n".join(lines))
    found = items(tmp_path)
    rejects = [each for each in found if isinstance(each, Reject)]
    assert [(each.code, each.file, each.row) for each in rejects] == [
        ("filled_in", "blood.csv", 3), ("filled_in", "blood.csv", 4),
    ]  # fmt: skip
    first, second, _ = [each for each in found if isinstance(each, Record)]
    blood_values = list(entries(first, "emb_temporal").values())
    assert np.isnan(blood_values[0])
    assert blood_values[1:] == [2] * 15
    assert first.embeddings["emb_temporal"].quality == pytest.approx(15 / 16)
    assert "emb_temporal" not in second.embeddings


def test_a_damaged_vector_is_refused_and_the_rest_is_averaged(tmp_path: Path) -> None:
    write_features(tmp_path, [course(1)])
    np.savez(tmp_path / "tma_tile_dtr_256_HE.npz", **{"001": np.full(512, np.nan, np.float32)})
    reject, record = items(tmp_path)
    assert isinstance(reject, Reject)
    assert (reject.code, reject.field, reject.row) == ("not_finite", "HE", 1)
    assert isinstance(record, Record)
    assert entries(record, "emb_spatial")["tissue_000"] == pytest.approx(1 + (28 - 5) / 7)


def test_files_that_are_not_the_sets_are_refused(tmp_path: Path) -> None:
    write_features(tmp_path, [course(1)])
    with pytest.raises(InputError, match="is no folder; source 'hancock' reads the folder"):
        items(tmp_path / "targets.csv")
    np.savez(tmp_path / "tma_tile_dtr_256_HE.npz", **{"001": np.zeros(5, np.float32)})
    with pytest.raises(InputError, match=r"holds an array of float32 of shape \(5,\) where each"):
        items(tmp_path)
    (tmp_path / "tma_tile_dtr_256_HE.npz").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(InputError, match=r"HE.npz' is no whole .npz archive"):
        items(tmp_path)
    (tmp_path / "tma_tile_dtr_256_HE.npz").unlink()
    (tmp_path / "blood.csv").unlink()
    with pytest.raises(InputError, match=r"lacks blood.csv, tma_tile_dtr_256_HE.npz; bring all"):
        items(tmp_path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    write_features(tmp_path, [course(1)])
    write_table(tmp_path / "clinical.csv", [{"patient_id": "001", "sex": 1}])
    with pytest.raises(InputError, match=r"'clinical.csv' lacks the column\(s\) age_at_initial_d"):
        items(tmp_path)


def test_the_published_layout_has_the_same_entries(tmp_path: Path) -> None:
    cores = [
        core("001", "TumorCenter_CD3_block1.svs", 100),
        core("001", "TumorCenter_CD3_block2.svs", 50),
        core("001", "InvasionFront_CD8_block1.svs", 7),
        core("001", "TumorCenter_CD8_block1.svs", 999, missing=True),
        core("001", "TumorCenter_HE_block1.svs", 999), core("", "TumorCenter_CD8_block1.svs", 9),
    ]  # fmt: skip
    samples = [
        blood("001", 5.0, 9), blood("001", 1.26, 2), blood("001", 3.0, 4), blood("001", 8.0, -1),
        blood("001", 0.9, 0, "Eosinophils/100 leukocytes in Blood"),
    ]  # fmt: skip
    texts = {"001": "Base of tongue [C01]\nTongue [C02.1 G]\nBleeding [T81.0]", "002": "none"}
    courses = [course(1, recurrence="yes", days_to_recurrence=9), course(2)]
    write_published(tmp_path, courses, cores=cores, blood=samples, codes=texts)
    first, second = records(tmp_path, PUBLISHED)
    assert first.endpoints["recurrence"].event_time_days == 9
    assert entries(first, "emb_clinical")["age_at_initial_diagnosis"] == 65
    tumour = entries(first, "emb_pathological")
    assert tumour["pN_stage=pN2"] == tumour["pT_stage=pT4"] == tumour["perinodal_invasion=yes"] == 1
    assert np.isnan(tumour["lymphovascular_invasion_L=yes"])
    assert np.isnan(tumour["grading=G1"])
    known = {n: v for n, v in entries(first, "emb_temporal").items() if not np.isnan(v)}
    assert known == {"Lymphocytes [#/volume] in Blood": pytest.approx(1.26)}
    assert {n for n, v in entries(first, "emb_semantic").items() if v} == {"c021"}
    spatial = entries(first, "emb_spatial")
    assert (spatial["cd3_z"], spatial["cd8_inv"]) == (75, 7)
    assert np.isnan(spatial["cd8_z"])
    assert set(second.embeddings) == {"emb_clinical", "emb_pathological", "emb_semantic"}
    for name, fields in FIELDS.items():
        assert set(entries(first, name)) == {e for each in fields for e in each.entries}


def test_published_cells_that_cannot_be_are_refused(tmp_path: Path) -> None:
    write_published(
        tmp_path,
        [course(1), course(2, patient_id=2), course(3)],
        clinical={"sex": "man"},
        blood=[blood("003", 1.0, 2), {**blood("003", 1.0, 1), "value": "high"}],
        cores=[core("003", "TumorCenter_CD3_block1.svs", 1.0) | {"Num Positive per mm^2": "many"}],
    )
    found = items(tmp_path, PUBLISHED)
    codes = [(each.file, each.code) for each in found if isinstance(each, Reject)]
    assert codes == [
        ("clinical_data.json", "missing_value"),
        ("blood_data.json", "not_a_number"),
        ("TMA_celldensity_measurements.csv", "not_a_number"),
        ("clinical_data.json", "unknown_category"),
        ("pathological_data.json", "no_outcome"),
    ]
    (record,) = [each for each in found if isinstance(each, Record)]
    assert entries(record, "emb_temporal")["Lymphocytes [#/volume] in Blood"] == 1


def test_published_files_that_are_not_the_sets_are_refused(tmp_path: Path) -> None:
    write_published(tmp_path, [course(1)])
    file = tmp_path / "StructuredData" / "blood_data.json"
    for content, reason in (
        ("{", "'blood_data.json' is no JSON in UTF-8"),
        ("{}", "'blood_data.json' must hold a list of objects"),
        ('[{"patient_id": "001"}]', r"'blood_data.json' lacks the column\(s\) LOINC_name, value"),
    ):
        file.write_text(content)
        with pytest.raises(InputError, match=reason):
            items(tmp_path, PUBLISHED)
    file.write_text("[]")
    assert len(items(tmp_path, PUBLISHED)) == 1
    file.unlink()
    with pytest.raises(InputError, match=r"lacks 'StructuredData/blood_data.json'; unpack the set"):
        items(tmp_path, PUBLISHED)
    write_published(other := tmp_path / "other", [course(1)])
    (other / "TextData/icd_codes/SurgeryReport_ICD_Codes_001.txt").unlink()
    (other / "TextData/icd_codes").rmdir()
    with pytest.raises(InputError, match="lacks 'TextData/icd_codes'"):
        items(other, PUBLISHED)
