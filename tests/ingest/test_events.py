"""Event sequences through ingest: a finished stage with sequences, flow, picture and rejects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.core.config.sections import IngestConfig
from components.core.data.stored_events import events_hash, stored_events
from components.core.errors import InputError
from components.core.parts import part_paths
from components.core.store import Stage
from components.ingest import run
from components.ingest.inspection.look import inspect
from tests.chain import ingest_config, ingested, manifest_of, prepared, rejects_of
from tests.ingest.sources.mimic_files import Change, Rows, written

pytestmark = pytest.mark.usefixtures("data_folder")


def _config(path: Path | str, **more: Any) -> IngestConfig:
    return ingest_config("mimic_iv", path, {"memory_gb": 1}, max_reject_rate=0.6, **more)


def _stage(folder: Path, *changes: Change, patients: int = 4, **more: Any) -> Stage:
    return ingested(_config(written(folder, *changes, patients=patients), **more))


def _sequences(stage: Stage, row: dict[str, Any]) -> Any:
    shard, _, _ = part_paths(stage.folder, int(row["shard.events"]), "events")
    return list(stored_events(shard))[int(row["shard_row.events"])]


def _without_events(number: int) -> Change:
    def change(rows: Rows) -> None:
        for name in ("prescriptions", "labevents", "microbiologyevents", "procedureevents",
                     "ingredientevents"):  # fmt: skip
            rows[name] = [row for row in rows[name] if row["subject_id"] != number]

    return change


def _leaves(rows: Rows) -> None:
    rows["icustays"][3]["outtime"] = "2150-03-01 13:00:00"


def test_the_stage_holds_sequences_flow_and_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "CHUNK", 2)
    stage = _stage(tmp_path, _leaves, _without_events(101), patients=6)
    frame = manifest_of(stage)
    assert frame["sample_id"].tolist() == ["100", "102", "104", "105"]
    assert frame["event_count"].tolist() == [5] * 4
    for row in frame.to_dict("records"):
        events = _sequences(stage, row)
        assert events_hash(events) == row["sha256.events"]
        assert (events.seconds / 3600).tolist() == [28, 27, 23, 22, 6]
    assert rejects_of(stage)[["code", "row", "file"]].to_numpy().tolist() == [
        ["no_event", 3, "icu/icustays"]
    ]
    assert stage.counts["events"] == 20
    assert stage.counts["events_lab"] == 4
    assert stage.counts["labevents_rows"] == 5
    flow = json.loads((stage.folder / "flow.json").read_text())
    assert [(s["code"], s["lost"], s["left"]) for s in flow["steps"]] == [
        ("left_before", 1, 5), ("no_event", 1, 4),
    ]  # fmt: skip
    assert flow["kept"] == {"records": 4, "patients": 4, "positive": 1, "unlabelled": 0}
    picture = (stage.folder / "cohort_flow.svg").read_text()
    assert picture.startswith("<?xml")
    line = "flow: 6 ICU stays; 1 left the ICU before the prediction, 24 h after ICU admission; 1 w"
    assert line in capsys.readouterr().err


def test_equal_sequences_are_copies_only_at_the_same_prediction(tmp_path: Path) -> None:
    def twice(rows: Rows) -> None:
        """Give the second patient's events and stay to the first, once more and a year later."""
        for name in ("icustays", "admissions", "prescriptions", "labevents", "microbiologyevents",
                     "procedureevents", "ingredientevents"):  # fmt: skip
            for row in rows[name][1:3]:
                row["subject_id"] = 100
        keep = {"prescriptions", "procedureevents", "ingredientevents"}
        for name in keep:
            for row in rows[name][2:3]:
                for column in ("starttime", "endtime", "storetime"):
                    row[column] = row.get(column, "2150-03-01 13:00:00").replace("2150", "2151")
        for table, columns in (("icustays", ("intime", "outtime")),
                               ("admissions", ("admittime", "dischtime"))):  # fmt: skip
            for column in columns:
                rows[table][2][column] = rows[table][2][column].replace("2150", "2151")
        rows["admissions"][0] |= {"hospital_expire_flag": 0, "deathtime": None}
        rows["labevents"] = rows["labevents"][3:]
        rows["microbiologyevents"] = rows["microbiologyevents"][3:]

    stage = _stage(tmp_path, twice)
    assert rejects_of(stage)["code"].tolist() == ["exact_duplicate"]
    frame = manifest_of(stage)
    assert frame["sample_id"].tolist() == ["100", "102", "103"]
    assert frame["sha256.events"].nunique() == 2


def test_a_refused_stay_counts_against_the_limit(tmp_path: Path) -> None:
    path = written(tmp_path, _without_events(101))
    strict = ingest_config("mimic_iv", path, {"memory_gb": 1}, max_reject_rate=0.2)
    with pytest.raises(InputError, match=r"1 of 3 records were refused \(1 × no_event\)"):
        ingested(strict)


def test_a_cohort_of_events_alone_has_no_input_for_the_other_models(tmp_path: Path) -> None:
    def die(rows: Rows) -> None:
        for row in rows["admissions"][::2]:
            row |= {"hospital_expire_flag": 1, "deathtime": "2150-03-09 12:00:00"}

    stage = _stage(tmp_path, die, patients=40)
    with pytest.raises(InputError, match=r"of events, of which preprocess.modalities .ecg. takes"):
        prepared(stage, modalities=["ecg"])
    assert prepared(stage, modalities=["tabular"]).counts["events"] == 20


def test_a_database_is_no_path_of_other_sources() -> None:
    url = "postgresql://localhost/mimic"
    with pytest.raises(InputError, match="'table' reads files and no database"):
        run.ingest(None, ingest_config("table", url, {"label": "y", "tabular": {"x": "numeric"}}))  # type: ignore[arg-type]


def test_inspection_reads_the_folder_and_names_nobody(tmp_path: Path) -> None:
    found = inspect(_config(written(tmp_path, _without_events(101))))
    assert (found.records, found.patients, found.labels) == (3, 3, {"0": 2, "1": 1})
    assert found.times == {"index_time": 3}
    assert found.problems == ()
    assert "100" not in found.model_dump_json()


def test_inspection_tells_why_a_database_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "2")
    found = inspect(_config("postgresql://127.0.0.1:1/mimic"))
    assert found.problems[0].startswith("the database 'mimic' at 127.0.0.1 cannot be reached;")


def test_pseudonyms_take_the_place_of_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENT_KEY", "k" * 64)
    stage = _stage(tmp_path, patient_key_env="EVENT_KEY")
    frame = manifest_of(stage)
    assert not {"100", "101"} & set(frame["sample_id"]) | {"100", "101"} & set(frame["patient_id"])
    assert np.isfinite(frame["event_count"]).all()
