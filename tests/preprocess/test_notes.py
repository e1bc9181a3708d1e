"""Which notes a record takes, and what is masked in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from components.core.errors import InputError
from components.core.store import Stage
from components.preprocess.notes import COLUMN
from tests.chain import ingest_config, ingested, manifest_of, prepared, write_table

SPLITS = ("train", "val", "test")
TEXT: dict[str, Any] = {"modalities": ("tabular", "text")}


@pytest.fixture(autouse=True)
def nothing_to_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handful of notes teaches an encoder nothing; which ones are taken is asked here."""
    monkeypatch.setattr("components.preprocess.run.text_stats", lambda work, rows, config: None)


@pytest.fixture
def raw(tmp_path: Path, data_folder: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


def cohort(raw: Path, notes: list[dict[str, Any]], **of_p0: Any) -> Stage:
    """Return the ingest stage of twelve patients; p0's row and the notes are given."""
    rows = [
        {"patient_id": f"p{i}", "label": i % 2, "split": SPLITS[i // 4], "x": i,
         "index_time": "2024-05-10", "echo_time": None, **(of_p0 if i == 0 else {})}
        for i in range(12)
    ]  # fmt: skip
    write_table(raw / "manifest.csv", rows)
    write_table(raw / "n.csv", [{"patient_id": "p0", "stored": None, **n} for n in notes])
    options = {"tabular": {"x": "numeric"}, "notes": "n.csv"}
    return ingested(ingest_config("manifest", raw, options))


def text_of(stage: Stage) -> Any:
    return manifest_of(stage).set_index("sample_id")[COLUMN]["row-2"]


def one(raw: Path, time: str, *, stored: str | None = None, note: dict[str, Any] | None = None,
        **of_p0: Any) -> Stage:  # fmt: skip
    notes = [{"time": time, "stored": stored, "text": "told"},
             {"patient_id": "p1", "time": "2000-01-01", "text": "old"}]  # fmt: skip
    return prepared(cohort(raw, notes, **of_p0), **TEXT, notes=note or {})


def test_notes_stand_from_the_oldest_to_the_newest(raw: Path) -> None:
    notes = [
        {"time": "2024-05-01", "text": "third"},
        {"time": "2024-01-01", "stored": "2024-04-01", "text": "second"},
        {"time": "2024-03-01", "text": "first"},
        {"patient_id": "p1", "time": "2024-03-01", "text": "another's"},
    ]
    stage = prepared(cohort(raw, notes), **TEXT)
    frame = manifest_of(stage).set_index("sample_id")
    assert frame[COLUMN]["row-2"] == "first\n\nsecond\n\nthird"
    assert frame[COLUMN]["row-3"] == "another's"
    assert frame[COLUMN].isna().sum() == 10
    assert stage.facts["modalities"] == ["tabular", "text"]
    assert stage.facts["notes_masked"]
    assert stage.counts["notes_taken"] == 4
    assert stage.counts["records_without_note"] == 10
    assert stage.facts["notes"]["records_without_note"] == 10


@pytest.mark.parametrize(
    ("time", "stored", "of_p0", "verdict"),
    [
        ("2024-05-10", None, {}, "taken"),  # both are days: at it
        ("2024-05-10T23:00", None, {}, "taken"),
        ("2024-05-11", None, {}, "after_prediction"),
        ("2024-05-10", None, {"index_time": "2024-05-10T09:00"}, "after_prediction"),
        ("2024-05-10T09:00", None, {"index_time": "2024-05-10T09:00"}, "taken"),
        ("2024-05-10T09:01", None, {"index_time": "2024-05-10T09:00"}, "after_prediction"),
        ("2024-05-09T09:00", "2024-05-11T09:00", {}, "after_prediction"),  # known when stored
        ("2024-05-09", None, {"index_time": None, "ecg_time": "2024-05-10"}, "taken"),
        ("2024-05-11", None, {"index_time": None, "ecg_time": "2024-05-10"}, "after_prediction"),
        ("2024-05-09", None, {"index_time": None}, "no_moment"),
        ("2024-05-09", None, {"echo_time": "2024-05-09T09:00"}, "after_echo"),
        ("2024-05-09T08:00", None, {"echo_time": "2024-05-09"}, "after_echo"),
        ("2024-05-09T08:00", None, {"echo_time": "2024-05-09T09:00"}, "taken"),
        ("2024-05-09T09:01", None, {"echo_time": "2024-05-09T09:00"}, "after_echo"),
        ("2024-05-08", None, {"echo_time": "2024-05-09"}, "taken"),
        ("2024-05-12", None, {"echo_time": "2024-05-20"}, "after_prediction"),
    ],
)
def test_what_was_known_when(
    raw: Path, time: str, stored: str | None, of_p0: dict[str, Any], verdict: str
) -> None:
    stage = one(raw, time, stored=stored, **of_p0)
    assert text_of(stage) == ("told" if verdict == "taken" else None) or pd.isna(text_of(stage))
    assert stage.counts["notes_taken"] == (2 if verdict == "taken" else 1)
    if verdict != "taken":
        assert stage.counts[f"notes_{verdict}"] == 1


def test_old_notes_are_left_out_on_request(raw: Path) -> None:
    stage = one(raw, "2024-04-01", note={"lookback_days": 50})
    assert text_of(stage) == "told"
    assert stage.counts["notes_too_old"] == 1  # p1's, of the year 2000
    stage = one(raw, "2024-03-01", note={"lookback_days": 50})
    assert stage.counts["notes_too_old"] == 2


def test_mentions_of_the_ejection_fraction_are_masked_and_counted(raw: Path) -> None:
    notes = [
        {"time": "2024-05-01", "text": "Dyspnoea. LVEF 35 %."},
        {"time": "2024-05-02", "text": "EF 40 %, later LVEF 45 %. Cough."},
        {"time": "2024-05-12", "text": "LVEF 50 %."},
    ]
    source = cohort(raw, notes)
    stage = prepared(source, **TEXT)
    assert stage.counts["notes_masked_mentions"] == 3  # of the notes that are taken
    assert not any(number in text_of(stage) for number in ("35", "40", "45"))
    assert "Dyspnoea" in text_of(stage)
    assert "Cough" in text_of(stage)
    plain = prepared(source, **TEXT, notes={"mask": False})
    assert text_of(plain) == f"{notes[0]['text']}\n\n{notes[1]['text']}"
    assert plain.counts["notes_masked_mentions"] == 0
    assert not plain.facts["notes_masked"]


def test_undated_notes_of_a_row_are_taken_on_trust(
    raw: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"patient_id": f"p{i}", "label": i % 2, "split": SPLITS[i // 4], "x": i,
         "clinical_notes": f"story {i}" if i else None}
        for i in range(12)
    ]  # fmt: skip
    write_table(raw / "manifest.csv", rows)
    options = {"tabular": {"x": "numeric"}, "note_column": "clinical_notes"}
    stage = prepared(ingested(ingest_config("manifest", raw, options)), **TEXT)
    texts = manifest_of(stage)[COLUMN]
    assert texts[1:].tolist() == [f"story {i}" for i in range(1, 12)]
    assert pd.isna(texts[0])
    assert (stage.counts["notes_undated"], stage.counts["notes_taken"]) == (11, 11)
    err = capsys.readouterr().err
    assert "11 notes have no time" in err
    assert "story" not in err


def test_text_without_notes(raw: Path) -> None:
    source = cohort(raw, [{"time": "2024-05-01", "text": "told"}])
    assert COLUMN not in manifest_of(prepared(source, modalities=("tabular",)))
    write_table(raw / "manifest.csv", [{"patient_id": "p", "label": 1}])
    bare = ingested(ingest_config("manifest", raw))
    with pytest.raises(InputError, match="has 'text', but the source 'manifest' brought no notes"):
        prepared(bare, **TEXT)
