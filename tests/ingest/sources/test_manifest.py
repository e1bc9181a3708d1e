"""`manifest`: a CSV that names one ECG file per row."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.core.errors import InputError
from components.ingest.records import FileRef, Record, Reject
from components.ingest.sources import manifest


def read(folder: Path, text: str, **options: object) -> list[Record | Reject]:
    (folder / "manifest.csv").write_text(text)
    return list(manifest.read(folder, manifest.Options.model_validate(options)))


def one(folder: Path, text: str, **options: object) -> Record:
    found = read(folder, text, **options)
    assert len(found) == 1
    assert isinstance(found[0], Record)
    return found[0]


def test_every_column_reaches_the_record(tmp_path: Path) -> None:
    record = one(
        tmp_path,
        "patient_id,recording_id,path,label,index_time,ecg_time,followup_days,event_time_days,"
        "death_days,site,ecg_fs,ecg_unit,ecg_leads,ecg_key,age,sex,secret,split\n"
        "p1,r1, a.csv,1,2020-01-02,2020-01-01T10:00,400,30,,B,250,uV,I;II,val,61,F,x,val\n",
        tabular={"age": "numeric", "sex": "categorical", "weight": "numeric"},
    )
    assert (record.record_id, record.patient_id, record.row) == ("r1", "p1", 2)
    assert (record.label, record.site, record.given_split) == (1, "B", "val")
    assert (record.followup_days, record.event_time_days, record.death_days) == (400, 30, None)
    assert record.tabular == {"age": 61.0, "sex": "F"}  # declared and there; `secret` is neither
    assert isinstance(record.ecg, FileRef)
    assert record.ecg.path == tmp_path / "a.csv"
    assert record.ecg.declared == manifest.Declared(fs=250, unit="uV", leads=("I", "II"), key="val")


def test_declared_defaults_hold_where_a_row_is_silent(tmp_path: Path) -> None:
    record = one(
        tmp_path,
        "patient_id,path_xml,label\np1,a.csv,0\n",
        fs=500,
        unit="mV",
        leads=("I", "II"),
        key="x",
        decimal=",",
    )
    assert isinstance(record.ecg, FileRef)
    assert record.ecg.declared == manifest.Declared(
        fs=500, unit="mV", leads=("I", "II"), key="x", decimal=","
    )
    assert record.record_id == "row-2"


def test_a_row_without_file_is_tabular(tmp_path: Path) -> None:
    assert one(tmp_path, "patient_id,path,label\np1,,0\n").ecg is None
    assert one(tmp_path, "patient_id,label\np1,0\n").ecg is None


@pytest.mark.parametrize(
    ("row", "code", "field", "value"),
    [
        ("p1,r1,a.hea,2,,,61", "label_not_binary", "label", "2"),
        ("p1,r1,a.hea,yes,,,61", "not_a_number", "label", "yes"),
        (",r1,a.hea,1,,,61", "missing_value", "patient_id", ""),
        ("p1,r1,a.hea,1,2199-01-01,,61", "future_time", "index_time", "2199-01-01"),
        ("p1,r1,a.hea,1,12.3.2020,,61", "not_a_time", "index_time", "12.3.2020"),
        ("p1,r1,a.hea,1,,dev,61", "unknown_split", "split", "dev"),
        ("p1,r1,a.hea,1,,,sixty", "not_a_number", "age", "sixty"),
        ("p1,r1,a.hea,1,,", "row_width", "", ""),
        ("p1,r0,a.hea,1,,,61", "duplicate_id", "recording_id", ""),
    ],
)
def test_a_wrong_row_is_refused_with_its_line_and_cell(
    tmp_path: Path, row: str, code: str, field: str, value: str
) -> None:
    header = "patient_id,recording_id,path,label,index_time,split,age\n"
    good = "p0,r0,z.hea,0,,,60\n"
    found = read(tmp_path, f"{header}{good}{row}\n{good.replace('r0', 'r9')}",
                 tabular={"age": "numeric"})  # fmt: skip
    assert [type(item) for item in found] == [Record, Reject, Record]
    reject = found[1]
    assert isinstance(reject, Reject)
    assert (reject.code, reject.field, reject.value) == (code, field, value)
    assert (reject.file, reject.row) == ("a.hea", 3)
    assert reject.reason


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("path,label\na,1\n", r"lacks the column\(s\) patient_id; it has 2 columns"),
        ("patient_id,path\np,a\n", "neither 'label' nor 'event_time_days'; add one"),
        ("patient_id,path,path_xml,label\np,a,b,1\n", "has path and path_xml; keep one"),
        ("patient_id;label\np;1\n", "save it with ',' between the cells, or declare"),
    ],
)
def test_a_wrong_header_stops_the_run(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(tmp_path, text)


def test_features_are_those_declared_and_there(tmp_path: Path) -> None:
    file = tmp_path / "manifest.csv"
    file.write_text("patient_id,label,age\n")
    options = manifest.Options(tabular={"age": "numeric", "bmi": "numeric"})
    assert manifest.features(file, options) == {"age": "numeric"}


def test_times_of_features(tmp_path: Path) -> None:
    file = tmp_path / "manifest.csv"
    file.write_text("patient_id,label,age,seen\np,1,50,2020-03-01\nq,0,60,\nr,0,60,soon\n")
    options = manifest.Options(tabular={"age": "numeric"}, tabular_times={"age": "seen"})
    one, two, reject = manifest.read(file, options)
    assert isinstance(one, Record)
    assert isinstance(two, Record)
    assert isinstance(reject, Reject)
    assert str(one.tabular_times["age"]) == "2020-03-01 00:00:00"
    assert two.tabular_times == {"age": None}
    assert (reject.code, reject.field) == ("not_a_time", "seen")
    with pytest.raises(InputError, match=r"lacks the column\(s\) then"):
        list(manifest.read(file, manifest.Options(tabular_times={"age": "then"})))
