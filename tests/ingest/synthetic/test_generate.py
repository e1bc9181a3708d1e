"""The folder as a whole: complete, reproducible, free of planted truth where it must be."""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import components.ingest.synthetic as package
from components.core.errors import InputError
from components.ingest.synthetic.columns import COLUMNS
from components.ingest.synthetic.generate import generate
from components.ingest.synthetic.options import SyntheticOptions


def digest(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def manifest_of(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "manifest.csv", dtype=str, keep_default_na=False)


def test_bytes_do_not_depend_on_workers(tmp_path: Path) -> None:
    options = SyntheticOptions(patients=270)
    for workers in (1, 2):
        (tmp_path / str(workers)).mkdir()
        generate(tmp_path / str(workers), options, workers=workers)
    assert digest(tmp_path / "1") == digest(tmp_path / "2")


def test_a_generation_that_was_killed_goes_on_from_its_last_block(tmp_path: Path) -> None:
    class Killed(Exception):  # noqa: N818
        pass

    def kill(done: int, total: int) -> None:
        raise Killed

    options = SyntheticOptions(patients=255)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    generate(whole, options)
    with pytest.raises(Killed):
        generate(broken, options, progress=kill)
    made = {file: file.stat().st_mtime_ns for file in (broken / "ecg").rglob("*.*")}
    assert len(made) > 250
    generate(broken, options)
    assert digest(broken) == digest(whole)
    assert all(file.stat().st_mtime_ns == time for file, time in made.items())


def test_patients_do_not_depend_on_the_size(small_cohort: Path, tmp_path: Path) -> None:
    generate(tmp_path, SyntheticOptions(patients=20))
    large = manifest_of(small_cohort)
    small = manifest_of(tmp_path)
    pd.testing.assert_frame_equal(small, large.iloc[: len(small)])


def test_seed_changes_everything(small_cohort: Path, tmp_path: Path) -> None:
    generate(tmp_path, SyntheticOptions(patients=20, seed=1))
    assert not (set(digest(tmp_path).values()) & set(digest(small_cohort).values()))


def test_manifest_has_its_columns_and_files(small_cohort: Path) -> None:
    manifest = manifest_of(small_cohort)
    assert tuple(manifest.columns) == COLUMNS
    assert manifest.recording_id.is_unique
    assert manifest.patient_id.nunique() == 120
    assert 1.1 < len(manifest) / 120 < 1.5
    assert all((small_cohort / path).is_file() for path in manifest.path)
    assert set(manifest.label) <= {"0", "1", ""}
    csv = manifest.path.str.endswith(".csv")
    assert set(manifest.site[csv]) == {"C"}
    assert 0.2 < manifest.path[manifest.site == "C"].str.endswith(".xml").mean() < 0.6
    assert (manifest.ecg_unit[csv] == "uV").all()
    assert (manifest.ecg_unit[~csv] == "").all()


def test_ecg_lies_in_the_90_days_before_therapy(small_cohort: Path) -> None:
    manifest = manifest_of(small_cohort)
    ahead = pd.to_datetime(manifest.index_time) - pd.to_datetime(manifest.ecg_time)
    assert (ahead >= pd.Timedelta(0)).all()
    assert (ahead <= pd.Timedelta(days=90)).all()


def test_labels_agree_with_the_times(small_cohort: Path) -> None:
    manifest = manifest_of(small_cohort).replace("", None)
    event = pd.to_numeric(manifest.event_time_days)
    followup = pd.to_numeric(manifest.followup_days)
    assert ((event <= 365) == (manifest.label == "1")).all()
    open_end = (followup < 365) & event.isna() & manifest.death_days.isna()
    assert (open_end == manifest.label.isna()).all()


def test_truth_has_a_row_per_recording_and_agrees_with_the_labels(small_cohort: Path) -> None:
    manifest = manifest_of(small_cohort)
    truth = pq.read_table(small_cohort / "truth.parquet").to_pandas()
    assert truth.recording_id.tolist() == manifest.recording_id.tolist()
    probabilities = truth[["p_ecg_tabular", "p_ecg", "p_tabular"]]
    assert ((probabilities > 0) & (probabilities < 1)).to_numpy().all()
    known = manifest.label != ""
    assert (manifest.label[known].astype(int) == truth.label_uncensored[known]).all()


def test_broken_and_duplicated_files_are_listed(small_cohort: Path) -> None:
    truth = json.loads((small_cohort / "truth.json").read_text())
    kinds = {each["kind"] for each in truth["broken_files"]}
    assert kinds == {"truncated", "empty", "unknown_lead"}
    manifest = manifest_of(small_cohort).set_index("recording_id")
    (pair,) = truth["duplicates"]
    first, second = (
        small_cohort / manifest.path[pair[key]] for key in ("recording_id", "duplicate_of")
    )
    assert first.read_bytes() == second.read_bytes()


def test_broken_files_and_duplicates_can_be_left_out(tmp_path: Path) -> None:
    generate(tmp_path, SyntheticOptions(patients=120, broken_files=False, duplicates=False))
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert truth["broken_files"] == truth["duplicates"] == []


def test_planted_identifiers_stand_in_xml_headers_alone(small_cohort: Path) -> None:
    names = json.loads((small_cohort / "truth.json").read_text())["planted_identifiers"]
    in_headers = set()
    for file in small_cohort.rglob("*"):
        if not file.is_file() or file.name == "truth.json":
            continue
        content = file.read_bytes()
        found = {name for name in names if name.encode() in content}
        assert not found or file.suffix == ".xml", file
        in_headers |= found
    assert in_headers == set(names)


def test_cells_are_missing_with_nuisance_alone(small_cohort: Path, tmp_path: Path) -> None:
    generate(tmp_path, SyntheticOptions(patients=120, nuisance=False))
    tabular = ["bmi", "lvef_baseline", "diabetes", "hypertension", "anthracycline_dose"]
    assert (manifest_of(small_cohort)[tabular] == "").to_numpy().any()
    assert not (manifest_of(tmp_path)[tabular] == "").to_numpy().any()
    truth = pq.read_table(tmp_path / "truth.parquet").to_pandas()
    assert (truth.nuisance == "").all()


def test_progress_reaches_the_total(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    generate(
        tmp_path,
        SyntheticOptions(patients=5),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(5, 5)]


def test_folder_must_exist_and_be_empty(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'.*none' does not exist; create it"):
        generate(tmp_path / "none", SyntheticOptions(patients=1))
    (tmp_path / "x").write_text("x")
    with pytest.raises(InputError, match=r"is not empty; name an empty one"):
        generate(tmp_path, SyntheticOptions(patients=1))


def test_generator_shares_no_code_with_the_readers() -> None:
    for file in Path(package.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("components.core.readers"), file
