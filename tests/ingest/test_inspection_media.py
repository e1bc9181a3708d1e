"""Inspection of pictures and sounds: counted as ingest counts them, by their own readers."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.ingest.inspection.look import inspect
from components.ingest.inspection.show import show
from tests.chain import ingest_config, ingested, rejects_of, write_table
from tests.media_files import MEDIA_OPTIONS, media_rows, write_picture, write_sound


@pytest.fixture
def raw(tmp_path: Path, data_folder: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    rows = media_rows(folder, patients=12, without=(1,))
    write_picture(folder, "large.jpg", size=(300, 200))
    write_sound(folder, "other.flac", fs=8000)
    (folder / "text.png").write_text("no picture")
    (folder / "zero.wav").write_bytes(b"")
    rows[2] |= {"ecg_image": "large.jpg", "pcg_audio": "other.flac;zero.wav"}
    rows[3] |= {"ecg_image": "text.png", "pcg_audio": "gone.wav"}
    write_table(folder / "manifest.csv", rows)
    return folder


def test_a_manifest_of_pictures_and_sounds(raw: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ingest_config("manifest", raw, MEDIA_OPTIONS, max_reject_rate=0.5)
    found, stage = inspect(config), ingested(config)
    assert found.media == {"ECG image": 11, "heart sound": 12}
    kinds = {each.reader: each for each in found.recognised}
    assert kinds["ECG image"].pixels == {"60 × 40": 9, "300 × 200": 1}
    assert (kinds["ECG image"].fs, kinds["ECG image"].seconds) == ({}, None)
    assert kinds["heart sound"].fs == {"2000": 20, "8000": 1}
    assert kinds["heart sound"].seconds == (2.5, 2.5, 2.5)
    assert kinds["heart sound"].pixels == {}
    assert kinds["ECG image"].files == stage.counts["files_ecg_image"]
    assert kinds["heart sound"].files == stage.counts["files_pcg"]
    told = {each.code: (each.what, each.count, each.rows) for each in found.refused}
    assert told == {
        "empty_file": (".wav", 1, (4,)), "not_an_image": (".png", 1, (5,)),
        "missing_file": (".wav", 1, (5,)),
    }  # fmt: skip
    assert sorted(told) == sorted(rejects_of(stage)["code"])
    show(found)
    printed = capsys.readouterr().out
    assert "pictures and sounds: ECG image in 11, heart sound in 12" in printed
    assert "300 × 200 (1)" in printed


def test_a_folder_of_pictures_and_sounds(raw: Path) -> None:
    (raw / "manifest.csv").unlink()
    found = inspect(ingest_config("manifest", raw))
    kinds = {each.reader: each.files for each in found.recognised}
    assert kinds == {"ECG image": 13, "heart sound": 25}
    assert {each.code for each in found.refused} == {"not_an_image", "empty_file"}
    assert "pictures are named in a column ecg_image, sounds in pcg_audio" in found.problems[0]
    assert found.media == {}


def test_a_folder_that_its_source_reads_without_a_manifest(tmp_path: Path) -> None:
    for name, murmur in (("11", "Present"), ("12", "Unknown")):
        write_sound(tmp_path, f"{name}_AV.wav", fs=4000)
        lines = [f"{name} 1 4000", f"AV {name}_AV.hea {name}_AV.wav {name}_AV.tsv",
                 f"#Murmur: {murmur}", "#Additional ID: nan"]  # fmt: skip
        (tmp_path / f"{name}.txt").write_text("\n".join(lines))
    found = inspect(ingest_config("circor", tmp_path))
    assert (found.what, found.records, found.patients) == ("table", 2, 2)
    assert found.labels == {"1": 1, "unknown": 1}
    assert (found.media, found.columns, found.refused) == ({"heart sound": 2}, (), ())
    assert found.recognised[0].fs == {"4000": 2}
