"""Pictures and sounds through ingest: kept as they are, refused file by file, never lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from components.core.data.arrays import shard_folder
from components.core.data.media import MediaReader, picture_hash, sound_hash
from components.core.errors import InputError
from components.core.patient_key import PatientKey
from components.core.readers.audio import Sound, read_audio
from components.core.readers.image import read_image
from components.core.readers.rawfile import DiskFile
from components.core.schemas import ECG_FIELDS, REJECT_SCHEMA, SUBJECT_FIELDS, media_fields
from components.core.store import Stage
from components.ingest import media, run
from tests.chain import beats as ecg_beats
from tests.chain import ingest_config, ingested, manifest_of, rejects_of, write_table, write_wfdb
from tests.media_files import (
    MEDIA_OPTIONS,
    beat_sounds,
    media_rows,
    write_media_cohort,
    write_picture,
    write_sound,
)

KEY = "k" * 40


@pytest.fixture
def raw(tmp_path: Path, data_folder: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


def _ingested(raw: Path, rows: list[dict[str, object]] | None = None, **more: Any) -> Stage:
    if rows is not None:
        write_table(raw / "manifest.csv", rows)
    return ingested(ingest_config("manifest", raw, MEDIA_OPTIONS, **more))


def test_pictures_and_sounds_come_back_to_the_bit(raw: Path) -> None:
    write_media_cohort(raw, patients=4, without=(2, 3))
    stage = _ingested(raw)
    table = pq.read_table(stage.folder / "manifest.parquet")
    fields = [*media_fields("ecg_image"), *media_fields("pcg")]
    own = [f for f in fields if not f.name.startswith("patient.")]
    assert table.schema.names == [f.name for f in [*SUBJECT_FIELDS, *ECG_FIELDS, *own]] + [
        "tab.age"
    ]
    assert all(table.schema.field(f.name).type == f.type for f in own)
    rows = table.to_pylist()
    pages = MediaReader(shard_folder(stage.folder, "ecg_image"))
    sounds = MediaReader(shard_folder(stage.folder, "pcg"))
    for i, row in enumerate(rows):
        if row["shard.ecg_image"] is not None:
            page = read_image(DiskFile(raw / f"e{i}.png", raw))
            found = pages.picture(row["shard.ecg_image"], row["shard_row.ecg_image"])
            np.testing.assert_array_equal(found.pixels, page.pixels)
            assert row["sha256.ecg_image"] == picture_hash(page)
        if row["shard.pcg"] is not None:
            kept = sounds.sounds(row["shard.pcg"], row["shard_row.pcg"])
            files = [read_audio(DiskFile(raw / f"{n}{i}.wav", raw)) for n in "am"]
            assert [sound_hash(s) for s in kept] == [sound_hash(s) for s in files]
            assert row["sites.pcg"] == ["AV", "MV"]
    there = [(r["shard.ecg_image"] is not None, r["shard.pcg"] is not None) for r in rows]
    assert there == [(True, True), (True, True), (False, True), (True, False)]
    assert stage.counts == {
        "records": 4, "patients": 4, "rejects": 0, "records_with_ecg_image": 3,
        "files_ecg_image": 3, "files_refused_ecg_image": 0, "records_with_pcg": 3, "files_pcg": 6,
        "files_refused_pcg": 0,
    }  # fmt: skip
    assert not (stage.folder / "parts").exists()


def _broken(raw: Path) -> dict[str, tuple[str, str]]:
    """Write broken files and return name → column and expected code."""
    (raw / "zero.wav").write_bytes(b"")
    (raw / "noise.wav").write_bytes(bytes(range(256)))
    (raw / "text.png").write_text("no picture")
    write_picture(raw, "whole.png", size=(300, 200))
    (raw / "cut.png").write_bytes((raw / "whole.png").read_bytes()[:200])
    write_picture(raw.parent, "outside.png")
    (raw / "link.png").symlink_to(raw.parent / "outside.png")
    sounds = {"zero.wav": "empty_file", "noise.wav": "not_a_sound", "gone.wav": "missing_file",
              "../out.wav": "path_outside_root"}  # fmt: skip
    pages = {"text.png": "not_an_image", "cut.png": "damaged_image", "no.png": "missing_file",
             "link.png": "path_outside_root", "../outside.png": "path_outside_root"}  # fmt: skip
    return {n: ("pcg_audio", c) for n, c in sounds.items()} | {
        n: ("ecg_image", c) for n, c in pages.items()
    }


def test_each_broken_file_is_one_row_and_its_record_goes_on(raw: Path) -> None:
    broken = _broken(raw)
    rows = media_rows(raw, patients=12)
    for row, (name, (column, _)) in zip(rows, broken.items(), strict=False):
        row[column] = name
    stage = _ingested(raw, rows, max_reject_rate=0.9)
    found = rejects_of(stage)
    told = {f: (c, k) for f, c, k in zip(found["file"], found["field"], found["code"], strict=True)}
    assert told == broken
    assert found["row"].tolist() == list(range(2, 2 + len(broken)))
    assert pq.read_schema(stage.folder / "rejects.parquet").equals(REJECT_SCHEMA)
    frame = manifest_of(stage)
    assert len(frame) == 12
    assert int(frame["shard.ecg_image"].isna().sum()) == 5
    assert int(frame["shard.pcg"].isna().sum()) == 4
    assert stage.counts["files_refused_pcg"] == 4
    assert stage.counts["files_refused_ecg_image"] == 5
    assert stage.counts["rejects"] == 9


def test_one_broken_sound_of_several_leaves_the_others(raw: Path) -> None:
    rows = media_rows(raw, patients=4)
    rows[1]["pcg_audio"] = "AV=a1.wav;PV=gone.wav;MV=m1.wav"
    frame = manifest_of(_ingested(raw, rows, max_reject_rate=0.5))
    assert frame["sites.pcg"].map(list).tolist() == [["AV", "MV"]] * 4


def test_a_record_of_which_nothing_is_left_is_refused(raw: Path) -> None:
    rows = media_rows(raw, patients=6)
    for i in (2, 4):
        rows[i] |= {"ecg_image": "gone.png", "pcg_audio": "gone.wav"}
    rows[4]["age"] = None
    stage = _ingested(raw, rows, max_reject_rate=0.5)
    found = rejects_of(stage)
    assert found["code"].value_counts().to_dict() == {"missing_file": 4, "nothing_left": 1}
    assert found.loc[found["code"] == "nothing_left", "row"].tolist() == [6]
    assert manifest_of(stage)["patient_id"].tolist() == ["p000", "p001", "p002", "p003", "p005"]


def test_a_record_with_an_ecg_goes_on_without_its_files(raw: Path) -> None:
    names = [write_wfdb(raw, f"r{i}", ecg_beats(i)) for i in range(3)]
    rows = [{"patient_id": f"p{i}", "path": name, "label": i % 2} for i, name in enumerate(names)]
    for i, row in enumerate(rows):
        row["ecg_image"] = "gone.png" if i == 1 else write_picture(raw, f"e{i}.png", seed=i)
    stage = _ingested(raw, rows, max_reject_rate=0.5)
    assert rejects_of(stage)["code"].tolist() == ["missing_file"]
    assert manifest_of(stage)["shard.ecg_image"].notna().tolist() == [True, False, True]


def test_too_many_broken_files_stop_the_run(raw: Path) -> None:
    rows = media_rows(raw, patients=10)
    rows[3]["pcg_audio"] = "gone.wav;lost.wav"
    with pytest.raises(InputError, match=r"2 of 20 files of the column 'pcg_audio' were refused"):
        _ingested(raw, rows)
    for row in rows:
        row["ecg_image"] = "gone.png"
    with pytest.raises(InputError, match=r"10 of 10 files of the column 'ecg_image' were refused"):
        _ingested(raw, rows, max_reject_rate=1)


def test_a_copy_equals_another_record_in_all_its_modalities(raw: Path) -> None:
    rows = media_rows(raw, patients=3)
    write_picture(raw, "same.bmp", seed=0, sick=True)
    copy = rows[0] | {"ecg_image": "same.bmp", "pcg_audio": "MV=m0.wav;AV=a0.wav"}
    other_page = rows[0] | {"ecg_image": "e1.png"}
    stranger = rows[0] | {"patient_id": "p9"}
    stage = _ingested(raw, [*rows, copy, other_page, stranger])
    found = rejects_of(stage)
    assert (found["row"].tolist(), found["code"].tolist()) == ([5], ["exact_duplicate"])
    assert manifest_of(stage)["row"].tolist() == [2, 3, 4, 6, 7]


def test_a_sound_named_twice_in_a_record_is_kept_once(raw: Path) -> None:
    rows = media_rows(raw, patients=2)
    rows[0]["pcg_audio"] = "AV=a0.wav;MV=a0.wav"
    stage = _ingested(raw, rows)
    assert rejects_of(stage)["code"].tolist() == ["exact_duplicate"]
    assert manifest_of(stage)["sites.pcg"].map(list).tolist() == [["AV"], ["AV", "MV"]]
    assert stage.counts["files_refused_pcg"] == 0


def test_several_ecgs_of_a_row_each_have_its_picture(raw: Path) -> None:
    files = ";".join(write_wfdb(raw, f"r{i}", ecg_beats(i)) for i in range(2))
    row = {
        "patient_id": "p",
        "ecg_files": files,
        "label": 1,
        "ecg_image": write_picture(raw, "e.png"),
    }
    frame = manifest_of(_ingested(raw, [row]))
    assert frame["sample_id"].tolist() == ["row-2.1", "row-2.2"]
    assert len(set(frame["sha256.ecg_image"])) == 1
    assert frame["shard_row.ecg_image"].tolist() == [0, 1]


def test_whose_recording_it_is_can_be_said(raw: Path) -> None:
    rows = media_rows(raw, patients=3)
    rows[0] |= {"ecg_image_patient_id": "p000", "pcg_audio_patient_id": "p002"}
    rows[1] |= {"ecg_image_patient_id": "p7", "ecg_image": None}
    frame = manifest_of(_ingested(raw, rows))
    assert frame["patient.pcg"].fillna("").tolist() == ["p002", "", ""]
    assert frame["patient.ecg_image"].fillna("").tolist() == ["p000", "", ""]


def test_pseudonyms_cover_whose_recording_it_is(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDY_KEY", KEY)
    rows = media_rows(raw, patients=3)
    rows[0] |= {"pcg_audio_patient_id": "p000", "pcg_audio": "a0.wav;gone-p000.wav"}
    stage = _ingested(raw, rows, patient_key_env="STUDY_KEY", max_reject_rate=0.5)
    frame, key = manifest_of(stage), PatientKey(KEY.encode())
    assert frame["patient.pcg"].tolist()[0] == key.pseudonym("patient", "p000")
    assert frame["patient_id"].tolist()[0] == frame["patient.pcg"].tolist()[0]
    (reject,) = rejects_of(stage).to_dict("records")
    assert (reject["file"], reject["value"], reject["code"]) == ("", "", "missing_file")
    assert b"p000" not in (stage.folder / "rejects.parquet").read_bytes()


def test_finished_chunks_are_not_read_again(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_media_cohort(raw, patients=10, without=(1,))
    whole = manifest_of(_ingested(raw))
    monkeypatch.setenv("CARDIO_DATA", str(raw.parent / "again"))
    monkeypatch.setattr(run, "CHUNK", 4)
    reads: list[str] = []

    def dying(file: DiskFile) -> Sound:
        reads.append(file.name)
        if len(reads) == 13:
            raise KeyboardInterrupt
        return read_audio(file)

    monkeypatch.setattr(media, "read_audio", dying)
    with pytest.raises(KeyboardInterrupt):
        _ingested(raw)
    stage = _ingested(raw)
    # Of ten patients with two sounds each, those of the second chunk alone begin anew.
    again = {name for name in reads if reads.count(name) > 1}
    assert again == {f"{n}{i}.wav" for i in (4, 5) for n in "am"} | {"a6.wav"}
    places = ["shard.ecg_image", "shard_row.ecg_image", "shard.pcg", "shard_row.pcg"]
    frame = manifest_of(stage)
    pd.testing.assert_frame_equal(frame.drop(columns=places), whole.drop(columns=places))
    assert frame["shard.pcg"].tolist() == [0] * 4 + [1] * 4 + [2] * 2
    assert not list(stage.folder.rglob("*.growing"))


def test_any_rate_and_channels_are_kept_as_read(raw: Path) -> None:
    rows = media_rows(raw, patients=3)
    stereo = np.stack([beat_sounds(0, fs=44_100)] * 2, axis=1)
    write_sound(raw, "stereo.wav", stereo, fs=44_100)
    rows[0]["pcg_audio"] = "stereo.wav"
    stage = _ingested(raw, rows)
    (sound,) = MediaReader(shard_folder(stage.folder, "pcg")).sounds(0, 0)
    assert (sound.fs, sound.lsb) == (44_100, 1.0)
    np.testing.assert_allclose(sound.values, stereo[:, 0], atol=1 / 32768)


def test_a_cohort_without_pictures_has_no_columns_of_them(raw: Path) -> None:
    rows = media_rows(raw, patients=3)
    for row in rows:
        row["ecg_image"] = None
    frame = manifest_of(_ingested(raw, rows))
    assert "shard.ecg_image" not in frame
    assert "shard.pcg" in frame
