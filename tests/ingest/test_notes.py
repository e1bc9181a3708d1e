"""Notes in the ingest stage: kept, refused, counted, pseudonymised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from components.core.errors import InputError
from components.core.patient_key import PatientKey
from components.core.schemas import NOTE_SCHEMA, NOTES
from components.ingest import notes
from components.ingest.pseudonyms import Pseudonyms
from components.ingest.records import Note
from tests.chain import beats, ingest_config, ingested, manifest_of, rejects_of, write_table
from tests.chain import write_wfdb as wfdb

OPTIONS: dict[str, Any] = {"tabular": {"x": "numeric"}, "notes": "n.csv"}
KEY = PatientKey(("k" * 44).encode())


@pytest.fixture
def raw(tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDY_KEY", "k" * 44)
    folder = tmp_path / "raw"
    folder.mkdir()
    rows: list[dict[str, object]] = [{"patient_id": f"MRN{i}", "x": i, "label": 0} for i in (0, 1)]
    write_table(folder / "manifest.csv", rows)
    return folder


def write(raw: Path, rows: list[tuple[object, ...]]) -> None:
    pd.DataFrame(rows, columns=["patient_id", "time", "text"]).to_csv(raw / "n.csv", index=False)


def test_they_become_a_table(
    raw: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "_BATCH", 2)
    rows = [(f"MRN{i % 2}", "2020-01-02", f"text {i}") for i in range(5)]
    write(raw, [*rows, ("MRN8", "2020-01-02", "a stranger's")])
    stage = ingested(ingest_config("manifest", raw, OPTIONS))
    table = pq.read_table(stage.folder / NOTES)
    assert table.schema.equals(NOTE_SCHEMA)
    assert table.column("text").to_pylist() == [f"text {i}" for i in range(5)]
    assert table.column("patient_id").to_pylist() == ["MRN0", "MRN1", "MRN0", "MRN1", "MRN0"]
    assert table.column("sample_id").null_count == 5
    assert (stage.counts["notes"], stage.counts["notes_of_others"]) == (5, 1)
    err = capsys.readouterr().err
    assert "1 notes of patients outside the manifest" in err
    assert "stranger" not in err


def test_notes_in_the_rows_belong_to_their_recordings(raw: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        wfdb(raw, name, beats(ord(name)))
    rows: list[dict[str, object]] = [
        {"patient_id": "MRN0", "recording_id": "r", "ecg_file": "a.hea;b.hea", "note": "a story"},
        {"patient_id": "MRN1", "recording_id": None, "ecg_file": "a.hea;b.hea", "note": "other"},
        {"patient_id": "MRN2", "recording_id": "e", "ecg_file": "a.hea", "note": None},
        {"patient_id": "MRN3", "recording_id": "gone", "ecg_file": "gone.hea", "note": "lost"},
    ]  # fmt: skip
    write_table(raw / "manifest.csv", [{**row, "label": 0} for row in rows])
    more = {"max_reject_rate": 0.5}
    stage = ingested(ingest_config("manifest", raw, {"note_column": "note"}, **more))
    table = pd.read_parquet(stage.folder / NOTES)
    assert table["sample_id"].tolist() == ["r.1", "r.2", "row-3.1", "row-3.2"]
    assert set(table["sample_id"]) < set(manifest_of(stage)["sample_id"])
    assert stage.counts["notes_empty"] == 1
    assert stage.counts["notes_of_others"] == 1  # of the recording that could not be read
    keyed = ingested(
        ingest_config("manifest", raw, {"note_column": "note"}, patient_key_env="STUDY_KEY", **more)
    )
    named = pd.read_parquet(keyed.folder / NOTES)
    assert set(named["sample_id"]) < set(manifest_of(keyed)["sample_id"])
    assert named["sample_id"].tolist()[2:] == ["row-3.1", "row-3.2"]
    assert named["patient_id"][0] == KEY.pseudonym("patient", "MRN0")
    assert not named.drop(columns="text").astype(str).apply(
        lambda column: column.str.contains("MRN")
    ).any(axis=None)  # fmt: skip


def test_refused_rows_stand_in_the_rejects_without_a_word_of_them(raw: Path) -> None:
    write(raw, [("MRN0", "2020-01-02", "good"), ("MRN1", "Quill coughs", "Quill coughs")])
    stage = ingested(ingest_config("manifest", raw, OPTIONS, max_reject_rate=0.5))
    (reject,) = rejects_of(stage).to_dict("records")
    assert (reject["file"], reject["row"], reject["code"]) == ("n.csv", 3, "not_a_time")
    assert "Quill" not in str(reject)
    assert stage.counts["rejects_not_a_time"] == 1
    with pytest.raises(InputError, match=r"1 of 2 notes were refused \(1 × not_a_time\)"):
        ingested(ingest_config("manifest", raw, OPTIONS))
    keyed = ingested(
        ingest_config("manifest", raw, OPTIONS, max_reject_rate=0.5, patient_key_env="STUDY_KEY")
    )
    assert "details are withheld" in rejects_of(keyed)["reason"][0]


def test_notes_of_nobody(raw: Path) -> None:
    write(raw, [("mrn0", "2020-01-02", "text")])
    with pytest.raises(InputError, match="none of 1 notes belongs to a patient of the manifest"):
        ingested(ingest_config("manifest", raw, OPTIONS))


def test_a_note_of_a_patient_keeps_no_recording() -> None:
    plain = Note(patient_id="p", record_id=None, time=None, stored=None, text="t", row=4)
    (keyed,) = Pseudonyms(KEY).notes([plain])
    assert isinstance(keyed, Note)
    assert (keyed.patient_id, keyed.record_id) == (KEY.pseudonym("patient", "p"), None)
