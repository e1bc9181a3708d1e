"""Pictures and sounds behind a table are among the raw files that a stage's identity covers."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.core.data.raw import raw_digest


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    for name in ("e.png", "a.wav", "m.wav", "other.wav"):
        (tmp_path / name).write_bytes(name.encode())
    file = tmp_path / "manifest.csv"
    file.write_text("patient_id,ecg_image,pcg_audio\np,e.png,AV=a.wav; m.wav\nq,,\n")
    return file


@pytest.mark.parametrize("name", ["e.png", "a.wav", "m.wav"])
def test_a_changed_file_changes_the_digest(manifest: Path, name: str) -> None:
    before = raw_digest(str(manifest), {})
    (manifest.parent / name).write_bytes(b"changed")
    assert raw_digest(str(manifest), {}) != before


def test_a_file_that_is_not_named_does_not(manifest: Path) -> None:
    before = raw_digest(str(manifest), {})
    (manifest.parent / "other.wav").write_bytes(b"changed")
    assert raw_digest(str(manifest), {}) == before


def test_a_table_that_speaks_of_its_folder_covers_it(manifest: Path) -> None:
    table = manifest.with_name("training_data.csv")
    table.write_text("Patient ID,Recording locations:\n1,AV\n")
    before = raw_digest(str(table), {})
    (manifest.parent / "other.wav").write_bytes(b"changed")
    assert raw_digest(str(table), {}) != before


def test_a_file_named_in_full_below_a_linked_folder(manifest: Path, tmp_path: Path) -> None:
    manifest.write_text(f"patient_id,ecg_image\np,{tmp_path}/e.png\n")
    link = tmp_path.parent / f"{tmp_path.name}-link"
    link.symlink_to(tmp_path)
    before = raw_digest(str(link / "manifest.csv"), {})
    assert before == raw_digest(str(manifest), {})
    (tmp_path / "e.png").write_bytes(b"changed")
    assert raw_digest(str(link / "manifest.csv"), {}) != before
