"""`manifest`: several recordings a row, truths beside the label, echo times, notes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from components.core.config.base import validate
from components.core.errors import ConfigError, InputError
from components.ingest.records import FileRef, Note, Record, Reject
from components.ingest.sources import manifest

LVEF = {"targets": {"lvef": "numeric", "risk": "categorical"}}
STORY = "Quillfeathry coughs"


def written(folder: Path, text: str) -> Path:
    (folder / "manifest.csv").write_text(text)
    return folder


def read(folder: Path, text: str, **options: Any) -> list[Record | Reject]:
    options_ = validate(manifest.Options, options, "here")
    return list(manifest.read(written(folder, text), options_))


def notes_of(folder: Path, text: str, **options: Any) -> list[Note | Reject]:
    found = manifest.notes(written(folder, text), validate(manifest.Options, options, "here"))
    assert found is not None
    return list(found)


def test_several_recordings_of_a_row(tmp_path: Path) -> None:
    text = "patient_id,recording_id,ecg_files,lvef,risk\np,r, a.hea; b.hea ;,40,low\nq,,c.hea,60,\n"
    first, second, third = read(tmp_path, text, **LVEF)
    for item, name, file in ((first, "r.1", "a.hea"), (second, "r.2", "b.hea")):
        assert isinstance(item, Record)
        assert (item.record_id, item.patient_id, item.row, item.file) == (name, "p", 2, file)
        assert isinstance(item.ecg, FileRef)
        assert item.ecg.path == tmp_path / file
        assert item.targets == {"lvef": 40.0, "risk": "low"}
    assert isinstance(third, Record)
    assert (third.record_id, third.targets) == ("row-3", {"lvef": 60.0, "risk": None})


def test_the_number_of_a_recording_is_no_other_recordings_name(tmp_path: Path) -> None:
    text = "patient_id,recording_id,ecg_file,label\np,r.2,x.hea,1\np,r,a.hea;b.hea,0\n"
    kept, first, second = read(tmp_path, text)
    assert isinstance(kept, Record)
    assert isinstance(first, Record)
    assert isinstance(second, Reject)
    assert (second.code, second.row, second.file) == ("duplicate_id", 3, "b.hea")


def test_times_period_and_prevalence(tmp_path: Path) -> None:
    text = (
        "patient_id,label,ecg_time,echo_time,intervention_time,anchor_year_group,prevalent\n"
        "p,1,2190-05-01T10:00,2190-05-03,2190-06-01,2014 - 2016,1\n"
    )
    (record,) = read(tmp_path, text, dates_shifted=True)
    assert isinstance(record, Record)
    assert record.ecg_time == datetime(2190, 5, 1, 10)  # noqa: DTZ001 - zones are gone by now
    assert record.echo_time == datetime(2190, 5, 3)  # noqa: DTZ001
    assert record.intervention_time == datetime(2190, 6, 1)  # noqa: DTZ001
    assert (record.period, record.prevalent) == ("2014 - 2016", 1)
    (reject,) = read(tmp_path, text)
    assert isinstance(reject, Reject)
    assert (reject.code, reject.field) == ("future_time", "ecg_time")
    assert "declare dates_shifted" in reject.advice


@pytest.mark.parametrize(
    ("value", "code"),
    [("0.55", "lvef_fraction"), ("4.9", "implausible_value"), ("91", "implausible_value"),
     ("normal", "not_a_number")],
)  # fmt: skip
def test_an_lvef_goes_through_the_rules_of_measurements(
    tmp_path: Path, value: str, code: str
) -> None:
    (reject,) = read(tmp_path, f"patient_id,lvef,risk\np,{value},low\n", **LVEF)
    assert isinstance(reject, Reject)
    assert (reject.code, reject.field, reject.row) == (code, "lvef", 2)


def test_fractions_are_read_where_they_are_declared(tmp_path: Path) -> None:
    units = {"measurement_units": {"lvef": "fraction"}}
    (record,) = read(tmp_path, "patient_id,lvef,risk\np,0.57,\n", **LVEF, **units)
    assert isinstance(record, Record)
    assert record.targets["lvef"] == 57.0


def test_targets_alone_are_truths_enough(tmp_path: Path) -> None:
    assert len(read(tmp_path, "patient_id,lvef,risk\np,50,\n", **LVEF)) == 1
    assert manifest.targets(tmp_path, validate(manifest.Options, LVEF, "here")) == LVEF["targets"]
    with pytest.raises(InputError, match="add one, or name targets or serial measurements"):
        read(tmp_path, "patient_id,lvef\np,50\n")
    with pytest.raises(InputError, match=r"lacks the column\(s\) risk"):
        read(tmp_path, "patient_id,lvef\np,50\n", **LVEF)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({**LVEF, "tabular": {"risk": "categorical"}}, "'risk' is a target and a feature"),
        ({"targets": {"LVEF": "numeric"}}, "targets names 'LVEF'; call the column 'lvef'"),
        ({"targets": {"lvef": "categorical"}}, "the target 'lvef' is a number; declare it numeric"),
        ({**LVEF, "measurement_units": {"lvef": "mm"}}, "the unit of 'lvef' is 'mm'; write % or"),
        ({"note_time_column": "t"}, "note_time_column dates the note in note_column; name that"),
        ({"notes": "n.csv", "note_column": "n"}, "notes lie beside the manifest .* or in it"),
        ({"note_column": "n", "tabular": {"n": "categorical"}}, "'n' is a note; it is no target"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        validate(manifest.Options, options, "here")


def test_notes_inside_the_rows(tmp_path: Path) -> None:
    text = (
        "patient_id,recording_id,ecg_file,label,clinical_notes,written\n"
        f'p,r,a.hea;b.hea,1,"{STORY},\nEF 30 %",2020-01-02\n'
        "q,,c.hea,0,,\n"
        f"s,,d.hea,0,{STORY},tomorrow\n"
        f",,e.hea,0,{STORY},\n"
        f"t,,f.hea,0,{STORY}\n"
    )
    columns = {"note_column": "clinical_notes", "note_time_column": "written"}
    first, second, empty, reject = notes_of(tmp_path, text, **columns)
    for note, name in ((first, "r.1"), (second, "r.2")):
        assert isinstance(note, Note)
        assert (note.patient_id, note.record_id, note.row) == ("p", name, 3)
        assert note.time == datetime(2020, 1, 2)  # noqa: DTZ001
        assert note.text == f"{STORY},\nEF 30 %"
    assert isinstance(empty, Note)
    assert (empty.text, empty.time, empty.record_id) == ("", None, "row-4")
    assert isinstance(reject, Reject)
    assert (reject.code, reject.field, reject.value, reject.row) == ("not_a_time", "written", "", 5)
    assert STORY not in str(reject)


def test_a_table_of_notes(tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_text(
        "subject,time,stored,text,more\n"
        f"p,2020-01-01,2020-01-03T10:00,{STORY},x\n"
        f"p,,2020-01-03T10:00,{STORY},x\n"
        "p,2020-01-01,,,x\n"
        f"p,,,{STORY},x\n"
        f"p,{STORY},,{STORY},x\n"
        f",2020-01-01,,{STORY},x\n"
        f"p,2020-01-01,{STORY}\n"
        f"p,2090-01-01,,{STORY},x\n"
    )
    text = "patient_id,label\np,1\n"
    options = {"notes": "n.csv", "note_columns": {"patient_id": "subject"}}
    found = notes_of(tmp_path, text, **options)
    first, second, *rest = found
    assert isinstance(first, Note)
    assert (first.patient_id, first.record_id, first.text, first.row) == ("p", None, STORY, 2)
    assert first.stored == datetime(2020, 1, 3, 10)  # noqa: DTZ001
    assert isinstance(second, Note)
    rejects = [(r.code, r.field, r.row) for r in rest if isinstance(r, Reject)]
    assert rejects == [
        ("missing_value", "text", 4), ("missing_value", "time", 5), ("not_a_time", "time", 6),
        ("missing_value", "subject", 7), ("row_width", "", 8), ("future_time", "time", 9),
    ]  # fmt: skip
    assert all(isinstance(r, Reject) and (r.file, r.value) == ("n.csv", "") for r in rest)
    assert STORY not in str(rest)
    assert isinstance(notes_of(tmp_path, text, **options, dates_shifted=True)[-1], Note)


def test_a_table_of_notes_without_storage_times(tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_text("patient_id,time,text\np,2020-01-01,cough\n")
    (note,) = notes_of(tmp_path, "patient_id,label\np,1\n", notes="n.csv")
    assert isinstance(note, Note)
    assert note.stored is None


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("../n.csv", "'notes' names '../n.csv', which lies outside the data folder"),
        ("none.csv", "'notes' names 'none.csv', which does not exist under the data folder"),
        ("n.csv", r"the table 'n.csv' lacks the column\(s\) text"),
    ],
)
def test_no_such_table_of_notes(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "n.csv").write_text("patient_id,time\n")
    with pytest.raises(InputError, match=sentence):
        notes_of(tmp_path, "patient_id,label\np,1\n", notes=name)


def test_no_notes_at_all(tmp_path: Path) -> None:
    assert manifest.notes(tmp_path, manifest.Options()) is None
