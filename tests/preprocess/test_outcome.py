"""Derived labels and follow-up through ingest and preprocess, on files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from components.core.config.sections import IngestConfig
from components.core.config.task import load_task
from components.core.errors import InputError
from components.core.store import Stage
from tests.chain import ingest_config, ingested, manifest_of, prepared, rejects_of, write_table

AT_TEN = {"horizon_days": 10}
OPTIONS: dict[str, Any] = {"tabular": {"age": "numeric"}}


def write_cohort(folder: Path, patients: int = 60, **change: Any) -> Stage:
    """Write patients of whom one in three falls to 45 % on day 8; every tenth is lost on day 5."""
    rows, lines = [], []
    for i in range(patients):
        lost, sick = i % 10 == 7, i % 3 == 0
        rows.append({"patient_id": f"p{i:02d}", "age": 40 + i, "followup_days": 5 if lost else 20,
                     "label": None if lost and not sick else int(sick), "site": "AB"[i % 2],
                     "death_days": None})  # fmt: skip
        lines += [(f"p{i:02d}", 0, "lvef", 62, "%")]
        lines += [] if lost else [(f"p{i:02d}", 8, "lvef", 45 if sick else 60, "%")]
    for name, cells in change.items():
        rows[int(name[1:])] |= cells
    write_table(folder / "manifest.csv", rows)
    names = ["patient_id", "time", "name", "value", "unit"]
    pd.DataFrame(lines, columns=names).to_csv(folder / "m.csv", index=False)
    own = OPTIONS | {"measurements": "m.csv"}
    return ingested(ingest_config("manifest", folder / "manifest.csv", own))


@pytest.fixture
def raw(tmp_path: Path, data_folder: Path) -> Path:
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw"


def test_a_derived_cohort(raw: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_cohort(raw, p1={"label": 1}, p2={"death_days": 9, "followup_days": 9})
    stage = prepared(source, label=AT_TEN | {"derive": "ctrcd"}, split={"method": "holdout"})
    rows = manifest_of(stage).set_index("patient_id")
    assert rows["label"].sum() == 18
    assert rows["ctrcd_grade"].value_counts().to_dict() == {"none": 42, "moderate": 18}
    assert rows.loc["p07", ["time_days", "event_code", "censored"]].tolist() == [5, 0, True]
    assert rows.loc["p00", ["time_days", "event_code", "label"]].tolist() == [8, 1, 1]
    assert rows.loc["p02", ["time_days", "event_code", "label"]].tolist() == [9, 2, 0]
    # p27 and p57 are labelled 1 in the manifest but lost before anything was measured.
    assert stage.counts["labels_disagree"] == 1
    assert "disagrees with the label derived from their measurements" in capsys.readouterr().err
    found = json.loads((stage.folder / "followup.json").read_text())
    assert {k: found[k] for k in ("events", "event_free", "censored", "competing_deaths")} == {
        "events": 18, "event_free": 35, "censored": 6, "competing_deaths": 1,
    }  # fmt: skip
    assert found["days_from_last_lvef_to_horizon"] == {"median": 2, "longest": 2}
    # On day 5 six drop out of 60, on day 8 there are 18 events among 54.
    assert found["cumulative_incidence"]["value"] == pytest.approx(1 / 3)
    assert stage.counts["cumulative_incidence"] == pytest.approx(1 / 3)
    assert stage.facts["split_method"] == "holdout"
    assert stage.facts["split_groups"] == {"patient_id": "all"}


def test_who_cannot_be_graded_is_in_the_rejects(raw: Path) -> None:
    source = write_cohort(raw, p7={"followup_days": 30})
    stage = prepared(source, label=AT_TEN | {"derive": "ctrcd"}, split={"method": "holdout"})
    assert rejects_of(stage)[["code", "row"]].to_numpy().tolist() == [["never_assessed", 9]]
    assert "p07" not in set(manifest_of(stage)["patient_id"])


def test_without_measurements_nothing_is_derived(raw: Path) -> None:
    write_cohort(raw)
    source = ingested(ingest_config("manifest", raw / "manifest.csv", OPTIONS))
    with pytest.raises(InputError, match=r"label\.derive is 'ctrcd', but the source 'manifest'"):
        prepared(source, label=AT_TEN | {"derive": "ctrcd"})


def test_survival_keeps_everyone_with_time_and_code(raw: Path) -> None:
    source = write_cohort(raw)
    label = AT_TEN | {"derive": "ctrcd", "censoring": "survival"}
    stage = prepared(source, label=label, split={"method": "holdout"})
    rows = manifest_of(stage)
    assert len(rows) == 60
    assert rows["time_days"].notna().all()
    assert rows["event_code"].value_counts().to_dict() == {0: 42, 1: 18}
    binary = manifest_of(prepared(source, label=AT_TEN | {"derive": "ctrcd"},
                                  split={"method": "holdout"}))  # fmt: skip
    pd.testing.assert_frame_equal(rows, binary)


def test_survival_without_times_is_refused(raw: Path) -> None:
    rows = [{"patient_id": f"p{i}", "age": i, "label": i % 2} for i in range(20)]
    write_table(raw / "manifest.csv", rows)
    source = ingested(ingest_config("manifest", raw, OPTIONS))
    with pytest.raises(InputError, match=r"label\.censoring is 'survival', but the data bring no"):
        prepared(source, label=AT_TEN | {"censoring": "survival"})
    stage = prepared(source, label=AT_TEN)
    assert not (stage.folder / "followup.json").exists()
    assert manifest_of(stage)[["time_days", "event_code"]].isna().all(axis=None)


def test_follow_up_that_ends_too_early_is_said(raw: Path) -> None:
    rows = [{"patient_id": f"p{i:02d}", "age": i, "event_time_days": 3 if i % 2 else None,
             "followup_days": 9, "label": i % 2} for i in range(40)]  # fmt: skip
    write_table(raw / "manifest.csv", rows)
    source = ingested(ingest_config("manifest", raw, OPTIONS))
    stage = prepared(source, label=AT_TEN | {"censoring": "as_given"})
    found = json.loads((stage.folder / "followup.json").read_text())["cumulative_incidence"]
    assert found["value"] is None
    assert "the last of 40 patients was followed to day 9" in found["method"]
    assert "cumulative_incidence" not in stage.counts


def test_days_to_the_last_lvef_where_nobody_is_free(raw: Path) -> None:
    from components.preprocess.followup import summarise

    frame = pd.DataFrame({"patient_id": ["a"], "time_days": [3.0], "event_code": [1],
                          "last_lvef_day": [3.0]})  # fmt: skip
    found = summarise(frame, 10)
    assert found["days_from_last_lvef_to_horizon"] == {"median": None, "longest": None}
    assert found["cumulative_incidence"]["lo"] is None


def test_sites_are_named_in_the_facts(raw: Path) -> None:
    label = AT_TEN | {"derive": "ctrcd"}
    stage = prepared(write_cohort(raw), label=label, split={"method": "site"})
    assert stage.facts["folds"] == ["r0f0", "r0f1"]
    assert stage.facts["split_note"].startswith("Leave one site out: the test folds are A, B")
    assert stage.facts["split_groups"] == {"patient_id": "all", "site": "test"}


@pytest.mark.real_data
@pytest.mark.parametrize("censoring", ["ipcw", "exclude", "survival"])
def test_bc_cardiotox_at_one_year(root: Path, data_folder: Path, censoring: str) -> None:
    table = root.parent / "shared/data/bc_cardiotox/BC_cardiotox_clinical_variables.csv"
    if not table.is_file():
        pytest.skip("the real sample data ../shared/data is absent")
    task = load_task("ctrcd", config=str(root / "pipelines/examples/bc_cardiotox_365.yaml"))
    assert (task.label.horizon_days, task.label.censoring, task.audit.waive) == (365, "ipcw", {})
    example = task.ingest.model_dump(mode="json")
    source = ingested(IngestConfig.model_validate(example | {"path": str(table), "workers": 1}))
    stage = prepared(
        source, label={"horizon_days": 365, "censoring": censoring}, modalities=("tabular",)
    )
    found = json.loads((stage.folder / "followup.json").read_text())
    # One patient was followed for exactly 365 days without CTRCD, which is to the horizon.
    assert (found["events"], found["event_free"], found["censored"]) == (27, 345, 159)
    assert found["cumulative_incidence"]["value"] == pytest.approx(0.0616, abs=5e-5)
    rows = manifest_of(stage)
    assert (len(rows), int(rows["label"].isna().sum())) == (531, 159)
    weights = rows["weight.r0f0"]
    assert (weights[rows["label"].isna()] == (1 if censoring == "exclude" else 0)).all()
