"""The folder of the surveillance part: complete, reproducible, consistent, free of names."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from components.core.errors import ConfigError
from components.ingest.synthetic.columns import TABULAR
from components.ingest.synthetic.generate import generate
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.surveillance.columns import COLUMNS, YEAR_GROUPS
from components.ingest.synthetic.surveillance.notes import NOTE_COLUMNS
from components.ingest.synthetic.surveillance.probability import HEADS, INPUTS
from components.ingest.synthetic.surveillance.visit import Surveyed, Visit, draw_visit
from tests.ingest.synthetic.test_generate import digest, manifest_of

SEED = 20240501


def options(**own: object) -> SyntheticOptions:
    return SyntheticOptions.model_validate({"part": "surveillance", **own})


@pytest.fixture(scope="module")
def visits(blocks: list[Surveyed]) -> list[Visit]:
    return [
        draw_visit(each, int(patient), SEED)
        for each in blocks
        for patient in np.flatnonzero(each.state.returns)
    ]


def test_bytes_do_not_depend_on_workers(year_on: Path, tmp_path: Path) -> None:
    generate(tmp_path, options(patients=120), workers=2)
    assert digest(tmp_path) == digest(year_on)


def test_a_generation_that_was_killed_goes_on_from_its_last_block(tmp_path: Path) -> None:
    class Killed(Exception):  # noqa: N818
        pass

    def kill(done: int, total: int) -> None:
        raise Killed

    asked = options(patients=252)
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    generate(tmp_path / "whole", asked)
    with pytest.raises(Killed):
        generate(tmp_path / "killed", asked, progress=kill)
    made = {file: file.stat().st_mtime_ns for file in (tmp_path / "killed" / "ecg").rglob("*.*")}
    assert len(made) > 220
    generate(tmp_path / "killed", asked)
    assert digest(tmp_path / "whole") == digest(tmp_path / "killed")
    assert all(file.stat().st_mtime_ns == time for file, time in made.items())


def test_patients_do_not_depend_on_the_size(year_on: Path, tmp_path: Path) -> None:
    generate(tmp_path, options(patients=20))
    for name in ("manifest.csv", "notes.csv", "measurements.csv"):
        assert (year_on / name).read_text().startswith((tmp_path / name).read_text())


def test_manifest_has_its_columns_and_files(year_on: Path) -> None:
    manifest = manifest_of(year_on)
    assert tuple(manifest.columns) == COLUMNS
    assert set(TABULAR) < set(COLUMNS)
    assert manifest.recording_id.is_unique
    assert 95 < manifest.patient_id.nunique() < 120
    assert all((year_on / path).is_file() for path in manifest.path)
    assert (manifest.index_time == manifest.ecg_time).all()
    assert set(manifest.quality) == {"acceptable", "unacceptable"}
    assert set(manifest.risk_category) <= {"low", "moderate", "high", ""}
    assert set(manifest.anchor_year_group) == set(YEAR_GROUPS)
    assert (manifest.prevalent == manifest.prior_hf).all()


def test_groups_are_in_the_order_of_recruitment(year_on: Path) -> None:
    manifest = manifest_of(year_on)
    first = pd.to_datetime(manifest.index_time).groupby(manifest.anchor_year_group).median()
    assert first.sort_index().is_monotonic_increasing


def test_times_count_from_the_recording_itself(year_on: Path) -> None:
    manifest = manifest_of(year_on).replace("", None)
    event, death, last = (
        pd.to_numeric(manifest[name]) for name in ("event_time_days", "death_days", "followup_days")
    )
    assert (event.dropna() >= 1).all()
    assert (event <= last)[event.notna()].all()
    assert (death == last)[death.notna()].all()
    several = manifest[manifest.patient_id.duplicated(keep=False)]
    several = several[~several.recording_id.str.endswith("copy")]
    assert len(several) > 0
    for _, rows in several.groupby("patient_id"):
        ends = pd.to_datetime(rows.index_time) + pd.to_timedelta(
            pd.to_numeric(rows.followup_days), "D"
        )
        assert ends.max() - ends.min() <= pd.Timedelta(days=1)


def test_pairs_of_ecg_and_echo(visits: list[Visit]) -> None:
    gaps = [
        abs((each.echoes[0].time - each.first).total_seconds()) / 86_400
        for each in visits
        if each.echoes
    ]
    assert 0.87 < np.mean(np.array(gaps) <= 10) * len(gaps) / len(visits) < 0.96
    assert 0.02 < np.mean(np.array(gaps) > 14) < 0.06
    assert 0.02 < 1 - len(gaps) / len(visits) < 0.06
    assert 0.05 < np.mean([len(each.echoes) > 1 for each in visits]) < 0.11
    assert 0.05 < np.mean([len(each.ecg_times) > 1 for each in visits]) < 0.11
    for each in visits:
        distance = [abs(echo.time - each.first) for echo in each.echoes]
        assert distance == sorted(distance)
        assert all(echo.time <= each.last for echo in each.echoes)


def test_some_echoes_lie_across_a_new_therapy(visits: list[Visit]) -> None:
    def across(visit: Visit) -> bool:
        if visit.intervention is None or not visit.echoes:
            return False
        ends = sorted([visit.first, visit.echoes[0].time])
        return ends[0] <= visit.intervention <= ends[1]

    assert 0.01 < np.mean([across(each) for each in visits]) < 0.03
    assert 0.02 < np.mean([bool(v.intervention) and not across(v) for v in visits]) < 0.05


def test_measurements_hold_the_paired_echo_and_others_before_and_after(year_on: Path) -> None:
    manifest = manifest_of(year_on).drop_duplicates("patient_id").set_index("patient_id")
    table = pd.read_csv(year_on / "measurements.csv", dtype=str)
    assert set(table.name) == {"lvef"}
    assert set(table.patient_id) == set(manifest.index)
    known = set(zip(table.patient_id, table.time, table.value, strict=True))
    for patient, row in manifest[manifest.lvef != ""].iterrows():
        assert (patient, row.echo_time, row.lvef) in known
    index = pd.to_datetime(table.patient_id.map(manifest.index_time))
    days = (pd.to_datetime(table.time) - index) / pd.Timedelta(days=1)
    assert (days < -15).any()
    assert (days > 60).any()
    for _, times in table.groupby("patient_id").time:
        assert times.is_monotonic_increasing
    # Nothing but the visit's own echoes lies within a pairing window of two weeks.
    near = table[days.abs() <= 14].groupby("patient_id").size()
    assert near.max() <= 2
    unpaired = manifest.index[manifest.lvef == ""]
    assert not set(unpaired) & set(near.index)


def test_truth_has_a_row_per_recording_and_agrees_with_the_manifest(year_on: Path) -> None:
    manifest = manifest_of(year_on)
    truth = pq.read_table(year_on / "truth.parquet").to_pandas()
    assert truth.recording_id.tolist() == manifest.recording_id.tolist()
    p = truth[[f"p_{head}_{inputs}" for head in HEADS for inputs in INPUTS]]
    assert ((p > 0) & (p < 1)).to_numpy().all()
    known = (manifest.lvef != "").to_numpy()
    low = pd.to_numeric(manifest.lvef[known]) < 50
    assert (truth.lvef_low[known].to_numpy() == low.to_numpy()).all()
    assert truth.lvef_low[~known].isna().all()
    noted = (manifest.risk_category != "").to_numpy()
    assert (truth.risk_annotated[noted] == manifest.risk_category[noted]).all()
    first = ~manifest.patient_id.duplicated()
    event = pd.to_numeric(manifest.event_time_days[first].replace("", None))
    seen = event.notna().to_numpy()
    assert (event[seen] == truth.event_day_uncensored[first][seen]).all()
    assert (truth.snr_db < 5).eq(truth.quality_true == "unacceptable").all()
    notes = pd.read_csv(year_on / "notes.csv")
    with_note = set(truth.patient_id[truth.findings.notna()])
    assert set(notes.patient_id) == with_note


def test_summary_lists_what_was_planted(year_on: Path) -> None:
    told = json.loads((year_on / "truth.json").read_text())
    notes = pd.read_csv(year_on / "notes.csv", dtype=str)
    assert tuple(notes.columns) == NOTE_COLUMNS
    assert told["counts"]["notes"] == len(notes)
    forms = told["text"]["ef_mentions"]
    assert sum(forms["forms"].values()) == forms["count"] == told["counts"]["ef_mentions"]
    assert {"orthopnoea", "ankle oedema", "fatigue"} <= set(told["text"]["phrases"])
    assert set(told["oracle_auroc"]) == set(told["rates"]) == set(HEADS)
    assert told["ecg"]["causal"]
    assert told["options"]["part"] == "surveillance"
    manifest = manifest_of(year_on)
    assert told["counts"]["recordings"] == len(manifest)
    assert told["counts"]["patients"] == manifest.patient_id.nunique()
    assert told["counts"]["unacceptable_annotated"] == (manifest.quality == "unacceptable").sum()


def test_names_stand_in_headers_and_notes_alone(year_on: Path) -> None:
    names = json.loads((year_on / "truth.json").read_text())["planted_identifiers"]
    holders: set[str] = set()
    for file in year_on.rglob("*"):
        if file.is_file() and file.name != "truth.json":
            content = file.read_bytes()
            if any(name.encode() in content for name in names):
                holders.add("header" if file.suffix == ".xml" else file.name)
    assert holders == {"header", "notes.csv"}


def test_broken_files_and_duplicates_are_listed_and_can_be_left_out(
    year_on: Path, tmp_path: Path
) -> None:
    told = json.loads((year_on / "truth.json").read_text())
    assert {each["kind"] for each in told["broken_files"]} <= {"truncated", "empty", "unknown_lead"}
    assert told["broken_files"]
    assert told["duplicates"]
    plain = options(patients=60, broken_files=False, duplicates=False, nuisance=False)
    generate(tmp_path, plain)
    told = json.loads((tmp_path / "truth.json").read_text())
    assert told["broken_files"] == told["duplicates"] == []
    truth = pq.read_table(tmp_path / "truth.parquet").to_pandas()
    assert (truth.nuisance == "").all()
    manifest = manifest_of(tmp_path)
    assert set(manifest.quality) == {"acceptable"}
    assert not (manifest[[*TABULAR, "risk_category"]] == "").to_numpy().any()


def test_a_split_is_written_on_request(tmp_path: Path) -> None:
    generate(tmp_path, options(patients=30, clean_split=True))
    manifest = manifest_of(tmp_path)
    assert tuple(manifest.columns) == (*COLUMNS, "split")
    assert len(manifest[["patient_id", "split"]].drop_duplicates()) == manifest.patient_id.nunique()


def test_progress_reaches_the_total(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    generate(tmp_path, options(patients=2), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 2)]
    assert datetime.fromisoformat(manifest_of(tmp_path).index_time[0]).second == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"leaks": ("near_copy",)},
        {"dominant": "clinical"},
        {"subgroup_gap": "site=C"},
        {"ecg_scores": ("t_v5v6",)},
    ],
)
def test_faults_of_the_therapy_part_are_refused(fault: dict[str, object]) -> None:
    (name,) = fault
    with pytest.raises(ConfigError, match=f"{name} is .*but the surveillance part has none; leave"):
        options(**fault)
