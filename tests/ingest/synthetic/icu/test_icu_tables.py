"""The ICU part's files are MIMIC-IV's, quirks included, and the same each time."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest

from components.ingest.synthetic.icu.draw import PERIODS, Stays, draw_stays
from components.ingest.synthetic.icu.sheets import COLUMNS
from components.ingest.synthetic.options import SyntheticOptions
from tests.ingest.synthetic.icu.conftest import SMALL, written

DEMO = Path(__file__).resolve().parents[5] / "shared" / "data" / "mimic_iv_demo"


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv.gz", dtype=str, keep_default_na=False)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes()
            for file in sorted(folder.rglob("*")) if file.is_file()}  # fmt: skip


def test_ten_tables_and_the_truth(icu_files: Path) -> None:
    expected = {f"{name}.csv.gz" for name in COLUMNS} | {"truth.json", "truth.parquet"}
    assert set(bytes_of(icu_files)) == expected
    rows = json.loads((icu_files / "truth.json").read_text())["rows"]
    assert rows == {name: len(table(icu_files, name)) for name in COLUMNS}


@pytest.mark.real_data
@pytest.mark.parametrize("name", COLUMNS)
def test_columns_are_those_of_the_real_tables(name: str) -> None:
    if not DEMO.is_dir():
        pytest.skip("the real sample data ../shared/data is absent")
    with gzip.open(DEMO / f"{name}.csv.gz", "rt", encoding="utf-8") as stream:
        assert next(stream).strip() == COLUMNS[name]


def test_the_same_options_give_the_same_bytes(icu_files: Path, tmp_path: Path) -> None:
    assert bytes_of(icu_files) == bytes_of(written(tmp_path / "again", SMALL))
    other = SMALL.model_copy(update={"seed": 7})
    assert bytes_of(icu_files) != bytes_of(written(tmp_path / "other", other))


def test_a_patient_does_not_change_when_the_cohort_grows(icu_files: Path, tmp_path: Path) -> None:
    fewer = written(tmp_path / "fewer", SMALL.model_copy(update={"patients": 30}))
    for name in COLUMNS:
        small, large = table(fewer, name), table(icu_files, name)
        if "subject_id" in large:
            large = large[large["subject_id"].astype(int) < 10_000_030].reset_index(drop=True)
        pd.testing.assert_frame_equal(small, large)


def test_quirks_of_the_real_tables_are_there(icu_files: Path) -> None:
    labs, cultures = table(icu_files, "hosp/labevents"), table(icu_files, "hosp/microbiologyevents")
    assert 0.03 < (labs["value"] == "___").mean() < 0.09
    assert 0.2 < (labs["hadm_id"] == "").mean() < 0.3
    assert (labs["charttime"] == "").any()
    assert (labs["storetime"] == "").any()
    assert ((labs["storetime"] > labs["charttime"]) | (labs["storetime"] == "")).mean() > 0.99
    assert 0.01 < (cultures["charttime"] == "").mean() < 0.1
    assert (cultures["chartdate"] != "").all()
    orders = table(icu_files, "hosp/prescriptions")
    assert (orders["stoptime"] < orders["starttime"]).mean() > 0.02
    assert orders["dose_val_rx"].str.contains(r"^\d+-\d+$").any()
    procedures = table(icu_files, "icu/procedureevents")
    assert {"ORIGINALAMOUNT", "ORIGINALRATE"} <= set(procedures)
    late = pd.to_datetime(procedures["storetime"]) - pd.to_datetime(procedures["starttime"])
    assert (late > pd.Timedelta(hours=12)).mean() > 0.1


def test_patients_are_shifted_in_time_and_the_oldest_are_91(icu_files: Path) -> None:
    patients = table(icu_files, "hosp/patients")
    assert set(patients["anchor_year_group"]) == set(PERIODS)
    assert patients["anchor_year"].astype(int).between(2110, 2199).all()
    age = patients["anchor_age"].astype(int)
    assert (age == 91).any()
    assert not age.between(90, 90).any()
    assert age.max() == 91
    admissions = table(icu_files, "hosp/admissions")
    assert admissions["subject_id"].duplicated().any()
    dead = admissions[admissions["deathtime"] != ""]
    assert set(dead["hospital_expire_flag"]) <= {"1", ""}
    assert not dead["subject_id"].duplicated().any()


def test_some_deaths_are_dated_after_discharge() -> None:
    stays = Stays.joined([draw_stays(3, block, broken=False) for block in range(8)])
    dead = stays.of(stays.died)
    assert 0.01 < (dead.death > dead.discharge).mean() < 0.1


def test_some_admissions_have_two_icu_stays(icu_files: Path) -> None:
    stays = table(icu_files, "icu/icustays")
    assert stays["hadm_id"].duplicated().any()
    assert not stays["stay_id"].duplicated().any()


def test_without_nuisance_and_broken_files_cells_are_whole(tmp_path: Path) -> None:
    plain = SyntheticOptions(part="icu", patients=30, nuisance=False, broken_files=False)
    folder = written(tmp_path / "plain", plain)
    labs, orders = table(folder, "hosp/labevents"), table(folder, "hosp/prescriptions")
    assert (labs[["hadm_id", "charttime", "storetime"]] != "").all(axis=None)
    assert not (labs["value"] == "___").any()
    assert (table(folder, "hosp/microbiologyevents")["charttime"] != "").all()
    assert (orders["stoptime"] >= orders["starttime"]).all()
    stays = table(folder, "icu/icustays")
    assert (stays["outtime"] > stays["intime"]).all()
    assert (table(folder, "hosp/admissions")["hospital_expire_flag"] != "").all()


def test_a_row_is_broken_in_every_block(icu_files: Path) -> None:
    truth = pd.read_parquet(icu_files / "truth.parquet")
    assert truth["exit"].isin(["no_admission", "bad_times", "no_label"]).sum() in {1, 2}
    assert truth["p_events_tabular"].notna().equals(truth["exit"] == "kept")
