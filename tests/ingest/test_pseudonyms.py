"""Pseudonyms in the place of ids, in every file of a stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from components.core import store
from components.core.errors import CardioError, ConfigError, InputError
from components.core.patient_key import PatientKey
from components.core.stages import stage_config, stage_fingerprint
from components.ingest.pseudonyms import Pseudonyms
from components.ingest.records import Record, Reject
from tests.chain import (
    TABULAR_OPTIONS,
    beats,
    ingest_config,
    ingested,
    manifest_of,
    rejects_of,
    task_config,
    write_table,
    write_tabular_cohort,
    write_wfdb,
)

SECRET, OTHER = "k" * 43 + "1", "k" * 43 + "2"
KEY = PatientKey(SECRET.encode())


@pytest.fixture
def raw(tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDY_KEY", SECRET)
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


def _cohort(raw: Path) -> Path:
    """Write six recordings of patients MRN0 to MRN3; half of the files break."""
    rows: list[dict[str, object]] = []
    for i in range(6):
        name = write_wfdb(raw, f"MRN{i}-ecg", beats(i))
        if i == 4:
            (raw / name).write_text("MRN4 is no header")
        if i == 5:
            name = f"MRN{i}-gone.hea"
        rows.append({"patient_id": f"MRN{i % 4}", "recording_id": f"MRN{i}-rec", "path": name,
                     "label": i % 2})  # fmt: skip
    rows.append({**rows[0], "recording_id": "MRN9-rec", "label": "MRN0"})
    rows.append({**rows[0], "recording_id": "MRN1-rec"})
    rows.append({**rows[0], "recording_id": "MRN7-copy"})
    return write_table(raw / "manifest.csv", rows)


def _text(stage: store.Stage) -> str:
    """Return everything in a stage and beside it as text, tables decoded."""
    files = [f for f in stage.folder.parent.rglob("*") if f.is_file()]
    parts = [f.read_bytes().decode("latin-1") for f in files]
    parts += [pd.read_parquet(f).to_csv() for f in files if f.suffix == ".parquet"]
    return "\n".join([*parts, *[str(f) for f in files]])


def test_a_keyed_stage_holds_pseudonyms_and_row_numbers_alone(
    raw: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _cohort(raw)
    more: dict[str, Any] = {"patient_key_env": "STUDY_KEY", "max_reject_rate": 1}
    plain = ingested(ingest_config("manifest", raw, max_reject_rate=1))
    assert "MRN" in _text(plain)
    stage = ingested(ingest_config("manifest", raw, **more))
    frame, before = manifest_of(stage), manifest_of(plain)
    assert frame["patient_id"].tolist() == [
        KEY.pseudonym("patient", name) for name in before["patient_id"]
    ]
    assert frame["sample_id"].tolist() == [
        KEY.pseudonym("recording", name) for name in before["sample_id"]
    ]
    pd.testing.assert_frame_equal(
        frame.drop(columns=["patient_id", "sample_id"]),
        before.drop(columns=["patient_id", "sample_id"]),
    )
    found, known = rejects_of(stage), rejects_of(plain)
    assert found[["row", "code", "field", "advice"]].equals(
        known[["row", "code", "field", "advice"]]
    )
    assert set(found["code"]) == {"unknown_format", "missing_file", "not_a_number", "duplicate_id",
                                  "exact_duplicate"}  # fmt: skip
    assert set(found["file"]) | set(found["value"]) == {""}
    assert "not a number; details are withheld where ids are keyed" in set(found["reason"])
    own = stage.folder.rename(stage.folder.parent.parent / "apart")
    text = "\n".join(
        f.read_bytes().decode("latin-1")
        + (pd.read_parquet(f).to_csv() if f.suffix == ".parquet" else "")
        for f in own.rglob("*") if f.is_file()
    )  # fmt: skip
    assert "MRN" not in text
    assert SECRET not in text
    assert stage.facts["keyed"]
    assert stage.facts["patients_known"]
    assert not plain.facts["keyed"]
    assert "MRN" not in "".join(capfd.readouterr())


def test_rejects_kept_beside_a_stage_that_stopped_name_nobody_either(raw: Path) -> None:
    _cohort(raw)
    with pytest.raises(InputError, match="4 of 9 records were refused") as caught:
        ingested(ingest_config("manifest", raw, patient_key_env="STUDY_KEY"))
    assert "MRN" not in str(caught.value)
    (kept,) = (raw.parent / "data" / "ingest").glob("*.rejects.parquet")
    assert "MRN" not in pd.read_parquet(kept).to_csv()


def test_rows_without_a_patient_keep_their_numbers(raw: Path) -> None:
    path = write_tabular_cohort(raw, patients=4)
    options = TABULAR_OPTIONS | {"patient_id": ""}
    stage = ingested(ingest_config("table", path, options, patient_key_env="STUDY_KEY"))
    assert manifest_of(stage)["patient_id"].tolist() == [f"row-{n}" for n in range(2, 6)]
    assert not stage.facts["patients_known"]


def test_the_synthetic_truth_goes_under_the_same_pseudonyms(raw: Path) -> None:
    options = {"patients": 24, "nuisance": False}
    stage = ingested(ingest_config("synthetic", "", options, patient_key_env="STUDY_KEY"))
    truth = pd.read_parquet(stage.folder / "truth" / "truth.parquet")
    assert set(manifest_of(stage)["patient_id"]) <= set(truth["patient_id"])
    assert set(manifest_of(stage)["sample_id"]) <= set(truth["recording_id"])
    assert truth["duplicate_of"].isin(["", *truth["recording_id"]]).all()
    assert truth["duplicate_of"].ne("").any()
    assert (stage.folder / "truth" / "truth.json").is_file()


def test_serial_measurements_go_under_the_same_pseudonyms(raw: Path) -> None:
    _cohort(raw)
    plain: dict[str, object] = {"time": 30, "name": "lvef", "value": 60, "unit": "%"}
    rows = [{"patient_id": f"MRN{i}", **plain} for i in (0, 1, 8)]
    write_table(raw / "lvef.csv", [*rows, {"patient_id": "MRN1", **plain, "value": "MRN1"}])
    config = ingest_config("manifest", raw, {"measurements": "lvef.csv"}, max_reject_rate=1,
                           patient_key_env="STUDY_KEY")  # fmt: skip
    stage = ingested(config)
    found = pd.read_parquet(stage.folder / "measurements.parquet")
    assert found["patient_id"].tolist() == [KEY.pseudonym("patient", f"MRN{i}") for i in (0, 1)]
    assert "MRN" not in _text(stage)
    assert rejects_of(stage)["reason"].str.contains("withheld|read before").all()


def test_another_key_is_another_stage_and_its_name_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STUDY_KEY", SECRET)
    monkeypatch.setenv("SAME_KEY", SECRET)
    monkeypatch.setenv("OTHER_KEY", OTHER)
    plain = task_config()
    print_ = {"": stage_fingerprint("ingest", plain, "raw")}
    for name in ("STUDY_KEY", "SAME_KEY", "OTHER_KEY"):
        task = task_config(ingest={"patient_key_env": name})
        print_[name] = stage_fingerprint("ingest", task, "raw")
        written = str(stage_config("ingest", task))
        assert SECRET not in written
        assert OTHER not in written
        assert stage_config("preprocess", task) == stage_config("preprocess", plain)
    assert print_["STUDY_KEY"] == print_["SAME_KEY"]
    assert len(set(print_.values())) == 3


def test_a_missing_key_stops_everything(raw: Path) -> None:
    _cohort(raw)
    with pytest.raises(ConfigError, match="is not set"):
        ingested(ingest_config("manifest", raw, patient_key_env="NO_SUCH_KEY"))
    with pytest.raises(ConfigError, match="is not set"):
        stage_config("ingest", task_config(ingest={"patient_key_env": "NO_SUCH_KEY"}))


def test_two_ids_of_one_pseudonym_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Pseudonyms(KEY)
    monkeypatch.setattr(PatientKey, "pseudonym", lambda self, kind, name: "0" * 32)
    assert names.of("patient", "a") == names.of("patient", "a") == names.of("recording", "b")
    with pytest.raises(CardioError, match="two patient ids have the same pseudonym"):
        names.of("patient", "b")


def test_a_row_that_its_source_refused_is_withheld_too() -> None:
    given = Reject(file="MRN1.xml", row=7, field="label", value="MRN1", code="label_not_binary",
                   reason="MRN1 is wrong", advice="write 0 or 1")  # fmt: skip
    record = Record(record_id="a", patient_id="b", row=8, label=1, file="b.xml")
    first, second = Pseudonyms(KEY).items([given, record])
    assert "MRN1" not in str(first)
    assert (first.row, first.code, first.advice) == (7, "label_not_binary", "write 0 or 1")
    assert isinstance(second, Record)
    assert (second.file, second.keyed) == ("", True)
