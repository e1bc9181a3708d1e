"""A changed raw file means a new stage; nothing outside the root is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.core.data.raw import raw_digest
from components.core.errors import InputError, RecordError
from components.core.readers.rawfile import DiskFile

Change = Callable[[Path], object]


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    root = tmp_path / "raw"
    (root / "ecg").mkdir(parents=True)
    (root / "ecg" / "a.hea").write_text("a 1 500 4\na.dat 16 200 16 0 0 0 0 I\n")
    (root / "ecg" / "a.dat").write_bytes(b"12345678")
    (root / "ecg" / "b[1].hea").write_text("# note\nb 1 500 4\nsamples.bin 16 200 16 0 0 0 0 I\n")
    (root / "ecg" / "samples.bin").write_bytes(b"12345678")
    (root / "ecg" / "m.hea").write_text("m/2 1 500 8\nseg1 4\nseg2 4\n")
    for name in ("seg1", "seg2"):
        (root / "ecg" / f"{name}.hea").write_text(f"{name} 1 500 4\n{name}.dat 16 200 16 0 0 0 0\n")
        (root / "ecg" / f"{name}.dat").write_bytes(b"12345678")
    (root / "ecg" / "c.xml").write_text("<xml/>")
    (root / "unnamed.txt").write_text("not named")
    file = root / "manifest.csv"
    paths = ["ecg/a.hea", "ecg/b[1].hea", "ecg/m.hea", " ecg/c.xml ", ""]
    rows = "".join(f"p{i},{path}\n" for i, path in enumerate(paths))
    file.write_text(f"patient_id,path\n{rows}")
    return file


@pytest.mark.parametrize(
    "name",
    [
        "manifest.csv", "ecg/a.hea", "ecg/a.dat", "ecg/samples.bin", "ecg/seg1.hea",
        "ecg/seg2.dat", "ecg/c.xml",
    ],
)  # fmt: skip
def test_a_changed_file_changes_the_digest(manifest: Path, name: str) -> None:
    before = raw_digest(str(manifest), {})
    file = manifest.parent / name
    file.write_bytes(file.read_bytes() + b"\n")
    assert raw_digest(str(manifest), {}) != before


def test_a_vanished_or_renamed_file_changes_the_digest(manifest: Path) -> None:
    before = raw_digest(str(manifest), {})
    (manifest.parent / "ecg" / "a.dat").unlink()
    assert raw_digest(str(manifest), {}) != before


def test_nothing_else_changes_the_digest(manifest: Path, tmp_path: Path) -> None:
    before = raw_digest(str(manifest), {})
    (manifest.parent / "unnamed.txt").write_text("changed")
    (manifest.parent / "ecg" / "a.dat").touch()
    assert raw_digest(str(manifest), {}) == before
    moved = manifest.parent.rename(tmp_path / "elsewhere")
    assert raw_digest(str(moved / "manifest.csv"), {}) == before


def test_files_outside_the_root_are_not_read(manifest: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret.xml"
    outside.write_text("one")
    (manifest.parent / "link.xml").symlink_to(outside)
    (manifest.parent / "ecg" / "d.hea").write_text("d 1 500 4\nlinked.dat 16 200\n../../secret.xml")
    (manifest.parent / "ecg" / "linked.dat").symlink_to(outside)
    names = ["../secret.xml", str(outside), "link.xml", "ecg/d.hea"]
    manifest.write_text("patient_id,path\n" + "".join(f"p,{name}\n" for name in names))
    digests = [raw_digest(str(manifest), {}), raw_digest(str(manifest.parent), {})]
    outside.write_text("two")
    assert [raw_digest(str(manifest), {}), raw_digest(str(manifest.parent), {})] == digests


@pytest.mark.parametrize("name", ["a" * 300, "nul\0byte", "ecg", ".", "ecg/a.hea/b"])
def test_a_name_that_cannot_be_a_file_is_left_to_ingest(manifest: Path, name: str) -> None:
    manifest.write_text(f"patient_id,path\np,{name}\n")
    assert len(raw_digest(str(manifest), {})) == 64


@pytest.mark.parametrize("name", ["a" * 300, "nul\0byte"])
def test_ingest_names_such_a_file_as_one_bad_record(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordError, match="the path cannot name a file; correct the path") as error:
        DiskFile(tmp_path / name, tmp_path)
    assert error.value.code == "bad_path"


def test_a_link_loop_is_one_bad_record(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(RecordError, match=r"cannot name a file|does not exist"):
        DiskFile(tmp_path / "loop", tmp_path)


def test_an_option_that_names_a_file_counts(manifest: Path) -> None:
    np.save(manifest.parent / "signals.npy", np.zeros(3))
    options: dict[str, Any] = {"signals": "signals.npy", "fs": 250, "separator": ";", "key": ""}
    before = raw_digest(str(manifest), options)
    assert before != raw_digest(str(manifest), {})
    np.save(manifest.parent / "signals.npy", np.ones(3))
    assert raw_digest(str(manifest), options) != before


@pytest.mark.parametrize("absolute", [True, False])
def test_an_option_outside_the_folder_is_refused(
    manifest: Path, tmp_path: Path, absolute: bool
) -> None:
    (tmp_path / "signals.npy").write_bytes(b"x")
    name = str(tmp_path / "signals.npy") if absolute else "../signals.npy"
    with pytest.raises(
        InputError, match=r"option 'signals' names '.*signals.npy', which lies outs"
    ):
        raw_digest(str(manifest), {"signals": name})


def test_a_folder_stands_for_every_file_in_it(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "x.csv").write_text("1")
    before = raw_digest(str(tmp_path), {})
    (tmp_path / "deep" / "y.csv").write_text("")
    assert raw_digest(str(tmp_path), {}) != before


def test_a_table_of_another_kind_stands_for_itself(tmp_path: Path) -> None:
    file = tmp_path / "table.tsv"
    file.write_text("path\nother.txt\n")
    before = raw_digest(str(file), {})
    (tmp_path / "other.txt").write_text("x")
    assert raw_digest(str(file), {}) == before


def test_a_manifest_that_no_csv_reader_takes_is_named(tmp_path: Path) -> None:
    import csv

    file = tmp_path / "manifest.csv"
    file.write_text('patient_id,path\np,"' + "x" * (csv.field_size_limit() + 1))
    with pytest.raises(InputError, match=r"the table 'manifest.csv' cannot be read: field larger"):
        raw_digest(str(file), {})


def test_no_path_means_the_source_makes_its_own_data() -> None:
    assert raw_digest("", {"synthetic": "3000"}) == "none"


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the path '.*absent.csv' does not exist; correct the"):
        raw_digest(str(tmp_path / "absent.csv"), {})


def test_several_files_of_a_row_and_records_without_suffix_count(manifest: Path) -> None:
    manifest.write_text("patient_id,ecg_files\np0,ecg/a.hea; ecg/b[1]\np1,ecg/c.xml\n")
    for name in ("ecg/a.dat", "ecg/samples.bin", "ecg/c.xml"):
        before = raw_digest(str(manifest), {})
        (manifest.parent / name).write_bytes(b"other")
        assert raw_digest(str(manifest), {}) != before
