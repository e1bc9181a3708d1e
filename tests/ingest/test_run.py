"""Raw files to records: what is taken, what is refused and why, and the limit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from components.core.data.ragged import RaggedReader
from components.core.errors import ConfigError, InputError
from components.core.readers.rawfile import DiskFile
from components.core.readers.registry import Declared
from components.core.schemas import ECG_FIELDS, REJECT_SCHEMA, SHARDS, SUBJECT_FIELDS
from components.core.signals.leads import LEADS8
from components.core.signals.signal import Signal
from components.ingest import chunks, run
from components.ingest.run import reject_summary
from components.ingest.synthetic.generate import generate
from components.ingest.synthetic.options import SyntheticOptions
from tests.chain import (
    TABULAR_OPTIONS,
    beats,
    ingest_config,
    ingested,
    manifest_of,
    prepared,
    rejects_of,
    write_ecg_cohort,
    write_table,
    write_tabular_cohort,
    write_wfdb,
)


@pytest.fixture
def raw(tmp_path: Path, data_folder: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


def test_records_come_back_to_the_bit(raw: Path) -> None:
    signal = beats(3)
    path = write_wfdb(raw, "a", signal)
    row = {"patient_id": "p", "recording_id": "r", "path": path, "label": 1, "age": 61,
           "index_time": "2020-01-02", "site": "B", "followup_days": 400}  # fmt: skip
    write_table(raw / "manifest.csv", [row])
    stage = ingested(
        ingest_config("manifest", raw, {"tabular": {"age": "numeric", "bmi": "numeric"}})
    )
    table = pq.read_table(stage.folder / "manifest.parquet")
    assert table.schema.names == [f.name for f in [*SUBJECT_FIELDS, *ECG_FIELDS]] + ["tab.age"]
    cells = table.to_pylist()[0]
    assert (cells["sample_id"], cells["patient_id"], cells["label"]) == ("r", "p", 1)
    assert (cells["ecg_fs"], cells["ecg_unit"], cells["tab.age"]) == (500.0, "mV", 61.0)
    back = RaggedReader(stage.folder / SHARDS).read(cells)
    np.testing.assert_array_equal(back.values, np.rint(signal * 1000).astype(np.int16))
    np.testing.assert_allclose(back.physical(), np.rint(signal * 1000) / 1000, atol=1e-7)
    assert stage.counts == {"records": 1, "patients": 1, "rejects": 0}
    assert stage.facts["patients_known"]
    assert stage.facts["absent_features"] == ["bmi"]
    assert not (stage.folder / "parts").exists()


def _edited(raw: Path, name: str, old: str, new: str) -> str:
    """Write a record whose header has one thing wrong."""
    path = write_wfdb(raw, name, beats(1))
    text = (raw / path).read_text()
    assert old in text
    (raw / path).write_text(text.replace(old, new))
    return path


def _broken_files(raw: Path) -> dict[str, str]:
    """Write broken files and return name → expected code."""
    outside = raw.parent / "outside"
    outside.mkdir()
    write_wfdb(outside, "x", beats(2))
    (raw / "link.hea").symlink_to(outside / "x.hea")
    (raw / "empty.hea").write_bytes(b"")
    (raw / "noise.bin").write_bytes(bytes(range(256)) * 20)
    write_wfdb(raw, "cut", beats(1))
    (raw / "cut.dat").write_bytes((raw / "cut.dat").read_bytes()[:-100])
    return {
        "cut.hea": "length_mismatch",
        "empty.hea": "empty_file",
        "../outside/x.hea": "path_outside_root",
        "/etc/hostname": "path_outside_root",
        "link.hea": "path_outside_root",
        "gone.hea": "missing_file",
        "noise.bin": "unknown_format",
        _edited(raw, "lead", " V1", " V9"): "unknown_lead",
        _edited(raw, "twice", " V1", " V2"): "duplicate_lead",
        _edited(raw, "rate", " 8 500 ", " 8 3 "): "absurd_fs",
        _edited(raw, "sum", " 0 V1", "7 0 V1"): "checksum_mismatch",
        write_wfdb(raw, "bad", beats(1), gain="nan/mV"): "bad_header",
        write_wfdb(raw, "tiny", beats(1), gain="1e-9(0)/mV"): "absurd_gain",
        write_wfdb(raw, "huge", beats(1), gain="0.0001(0)/mV"): "absurd_gain",
    }


def test_each_broken_file_is_one_row_of_rejects(raw: Path) -> None:
    files = _broken_files(raw)
    names = [*files, write_wfdb(raw, "good", beats(9))]
    rows = [
        {"patient_id": f"p{i}", "recording_id": f"r{i}", "path": name, "label": i % 2,
         "ecg_fs": 500, "ecg_unit": "mV"}
        for i, name in enumerate(names)
    ]  # fmt: skip
    write_table(raw / "manifest.csv", rows)
    stage = ingested(ingest_config("manifest", raw, max_reject_rate=1))
    found = rejects_of(stage)
    assert dict(zip(found["file"], found["code"], strict=True)) == files
    assert found["row"].tolist() == list(range(2, 2 + len(files)))
    assert found["reason"].str.len().min() > 10
    assert found["value"].str.len().max() <= 60
    assert pq.read_schema(stage.folder / "rejects.parquet").equals(REJECT_SCHEMA)
    assert manifest_of(stage)["sample_id"].tolist() == [f"r{len(files)}"]
    assert stage.counts["rejects_path_outside_root"] == 3
    assert stage.counts["rejects"] == len(files)
    summary = reject_summary(stage.folder)
    assert "path_outside_root,move the file under the data root" in summary
    assert "V9" not in summary
    assert not any(name in summary for name in files)


def test_what_no_task_can_use_is_refused_where_the_task_is_known(raw: Path) -> None:
    """Ingest keeps what a reader can read; preprocess knows length, leads and unit."""
    nan = beats(4, seconds=10)
    nan[:5] = np.nan
    frame = pd.DataFrame(nan.T, columns=list(LEADS8))
    frame.to_csv(raw / "nan.csv", index=False)
    files = {
        write_wfdb(raw, "short", beats(1, seconds=3)): "too_short",
        write_wfdb(raw, "two", beats(2, seconds=10)[:2], leads=("I", "II")): "too_few_leads",
        write_wfdb(raw, "flat", np.zeros((8, 5000))): "no_ecg_leads",
        write_wfdb(raw, "volts", beats(3, seconds=10), gain="10(0)/mV"): "implausible_amplitude",
        "nan.csv": "nan_samples",
    }
    names = [*files, *[write_wfdb(raw, f"g{i}", beats(10 + i, seconds=10)) for i in range(30)]]
    rows = [
        {"patient_id": f"p{i}", "recording_id": f"r{i}", "path": name, "label": i % 2,
         "ecg_fs": 500, "ecg_unit": "mV"}
        for i, name in enumerate(names)
    ]  # fmt: skip
    write_table(raw / "manifest.csv", rows)
    source = ingested(ingest_config("manifest", raw))
    assert source.counts["rejects"] == 0
    stage = prepared(source, ecg={"length": 5000}, split={"method": "holdout"})
    found = rejects_of(stage)
    assert found["code"].tolist() == list(files.values())
    assert found["row"].tolist() == [2, 3, 4, 5, 6]
    assert "lasts 3 s, less than 5 s" in found["reason"][0]
    assert len(manifest_of(stage)) == 30


def test_a_gain_of_zero_in_a_muse_file(raw: Path) -> None:
    folder = raw / "cohort"
    folder.mkdir()
    generate(folder, SyntheticOptions(patients=6, nuisance=False, broken_files=False))
    name = next(iter(sorted(p.name for p in (folder / "ecg" / "A").glob("*.xml"))))
    text = (folder / "ecg" / "A" / name).read_text("iso-8859-1")
    changed = text.replace("UnitsPerBit>4.88<", "UnitsPerBit>0<")
    assert changed != text
    (raw / "zero.xml").write_text(changed, "iso-8859-1")
    write_table(raw / "manifest.csv", [{"patient_id": "p", "path": "zero.xml", "label": 1}])
    with pytest.raises(InputError, match="1 of 1 records were refused \\(1 × absurd_gain\\)"):
        ingested(ingest_config("manifest", raw, max_reject_rate=1))


def test_the_limit_on_refused_records(raw: Path) -> None:
    rows = [{"patient_id": f"p{i}", "label": 2 if i < 3 else 1, "age": 60} for i in range(20)]
    write_table(raw / "manifest.csv", rows)
    options = {"tabular": {"age": "numeric"}}
    with pytest.raises(
        InputError,
        match=r"3 of 20 records were refused \(3 × label_not_binary\), more than the limit of 14%; "
        r"see data/ingest/.*rejects.parquet, mend them, or raise ingest.max_reject_rate",
    ):
        ingested(ingest_config("manifest", raw, options, max_reject_rate=0.14))
    kept = list((raw.parent / "data" / "ingest").glob("*.rejects.parquet"))
    assert pd.read_parquet(kept[0])["value"].tolist() == ["2", "2", "2"]
    stage = ingested(ingest_config("manifest", raw, options, max_reject_rate=0.15))
    assert (stage.counts["records"], stage.counts["rejects"]) == (17, 3)


def test_copies_of_one_patient_are_dropped_and_copies_of_two_are_kept(raw: Path) -> None:
    signal, other = beats(1), beats(2)
    files = [
        write_wfdb(raw, name, s) for name, s in zip("abcd", [signal] * 3 + [other], strict=True)
    ]
    rows = [
        {"patient_id": patient, "recording_id": f"r{i}", "path": file, "label": 1}
        for i, (patient, file) in enumerate(zip(["p", "p", "q", "p"], files, strict=True))
    ]
    write_table(raw / "manifest.csv", rows)
    stage = ingested(ingest_config("manifest", raw, max_reject_rate=0))  # a copy is no fault
    frame = manifest_of(stage)
    assert frame["sample_id"].tolist() == ["r0", "r2", "r3"]
    assert frame["ecg_sha256"].nunique() == 2
    reject = rejects_of(stage).iloc[0]
    assert (reject["code"], reject["row"]) == ("exact_duplicate", 3)


def test_nothing_to_read(raw: Path) -> None:
    (raw / "manifest.csv").write_text("patient_id,label\n")
    with pytest.raises(InputError, match="holds no records; the table has a header and no rows"):
        ingested(ingest_config("manifest", raw))
    with pytest.raises(InputError, match="the path 'nowhere' does not exist; correct the 'path'"):
        ingested(ingest_config("manifest", "nowhere"))
    with pytest.raises(ConfigError, match=r"unknown key 'colour' in ingest.options.manifest"):
        ingested(ingest_config("manifest", raw, {"colour": 1}))
    with pytest.raises(ConfigError, match="no source 'manifst'"):
        ingested(ingest_config("manifst", raw))


def test_unknown_patients_are_told(raw: Path) -> None:
    path = write_tabular_cohort(raw, patients=5)
    known = ingested(ingest_config("table", path, TABULAR_OPTIONS))
    assert known.facts["patients_known"]
    unknown = ingested(ingest_config("table", path, TABULAR_OPTIONS | {"patient_id": ""}))
    assert not unknown.facts["patients_known"]


def test_an_array_of_standardised_signals(raw: Path) -> None:
    np.save(raw / "s.npy", np.random.default_rng(0).normal(size=(2, 8, 500)).astype(np.float16))
    write_table(raw / "t.csv", [{"y": 1}, {"y": 0}])
    options = {"signals": "s.npy", "fs": 250, "unit": "z", "leads": list(LEADS8), "label": "y"}
    stage = ingested(ingest_config("array", raw / "t.csv", options))
    cells = manifest_of(stage).to_dict("records")
    back = RaggedReader(stage.folder / SHARDS).read(cells[1])
    assert (back.unit, back.fs) == ("z", 250.0)
    np.testing.assert_array_equal(back.values, np.load(raw / "s.npy")[1])
    assert cells[1]["ecg_dtype"] == "float16"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are decoded."""
    seen: list[str] = []
    plain = chunks.read_signal

    def read(file: DiskFile, declared: Declared) -> Signal:
        seen.append(file.name)
        if len(seen) == 13:
            raise KeyboardInterrupt
        return plain(file, declared)

    monkeypatch.setattr(chunks, "read_signal", read)
    monkeypatch.setattr(run, "CHUNK", 5)
    return seen


def test_finished_chunks_are_not_decoded_again(raw: Path, counted: list[str]) -> None:
    write_ecg_cohort(raw, patients=17)
    with pytest.raises(KeyboardInterrupt):
        ingested(ingest_config("manifest", raw))
    assert len(counted) == 13
    stage = ingested(ingest_config("manifest", raw))
    # Two chunks of five were finished; the third, broken off, and the fourth come again.
    assert counted[13:] == [f"r{i:03d}.hea" for i in range(10, 17)]
    assert manifest_of(stage)["sample_id"].tolist() == [f"r{i:03d}" for i in range(17)]
    assert manifest_of(stage)["ecg_shard"].tolist() == [i // 5 for i in range(17)]


def test_two_processes_give_the_same_stage_as_one(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "CHUNK", 5)
    write_ecg_cohort(raw, patients=11)
    frames = []
    for workers in (1, 2):
        frames.append(manifest_of(ingested(ingest_config("manifest", raw, workers=workers))))
    pd.testing.assert_frame_equal(*frames)
