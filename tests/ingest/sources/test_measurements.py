"""Serial measurements: what is read and converted, and what is refused."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from components.core.config.base import validate
from components.core.errors import ConfigError, InputError
from components.ingest.records import Reject
from components.ingest.sources import manifest, table
from components.ingest.sources.measurements import (
    Measurement,
    MeasurementOptions,
    read_measurements,
)

HEADER = "patient_id,time,name,value,unit\n"


def read(folder: Path, text: str, **options: Any) -> list[Measurement | Reject]:
    (folder / "m.csv").write_text(text)
    own = MeasurementOptions.model_validate({"measurements": "m.csv"} | options)
    return list(read_measurements(folder / "manifest.csv", own))


def one(folder: Path, row: str, **options: Any) -> Measurement | Reject:
    # A sound LVEF before it, so that a fraction refuses its row and not the table.
    found = read(folder, f"{HEADER}p0,0,lvef,60,%\n{row}\n", **options)
    assert len(found) == 2
    return found[1]


@pytest.mark.parametrize(
    ("row", "name", "value"),
    [
        ("p,0,lvef,55.5,%", "lvef", 55.5),
        ("p,0,LVEF,0.57,fraction", "lvef", 57.0),
        ("p,0,gls,-19.5,%", "gls", 19.5),  # by magnitude, whichever sign the centre writes
        ("p,0,gls,19.5,%", "gls", 19.5),
        ("p,0,gls,-0.195,fraction", "gls", 19.5),
        ("p,0,troponin_t,12,ng/L", "troponin_t", 12),
        ("p,0,troponin_i,0.012,ng/mL", "troponin_i", 12),
        ("p,0,troponin_i,12,pg/mL", "troponin_i", 12),
        ("p,0,nt_probnp,130,pg/mL", "nt_probnp", 130),
        ("p,0,hf_symptoms,2,grade", "hf_symptoms", 2),
    ],
)
def test_values_come_in_one_unit_a_kind(tmp_path: Path, row: str, name: str, value: float) -> None:
    found = one(tmp_path, row)
    assert isinstance(found, Measurement)
    assert (found.name, found.value, found.below, found.row) == (name, value, False, 3)


@pytest.mark.parametrize(
    ("text", "time", "day"),
    [
        ("-14", None, -14),
        ("180", None, 180),
        ("2024-05-31", datetime.fromisoformat("2024-05-31"), None),
        ("2024-05-31T10:15", datetime.fromisoformat("2024-05-31T10:15"), None),
    ],
)
def test_dates_and_days(tmp_path: Path, text: str, time: datetime | None, day: float) -> None:
    found = one(tmp_path, f"p,{text},lvef,60,%")
    assert isinstance(found, Measurement)
    assert (found.time, found.day) == (time, day)


def test_a_value_under_the_limit_of_detection_lies_just_below_it(tmp_path: Path) -> None:
    found = one(tmp_path, "p,0,troponin_t,<5,ng/L")
    assert isinstance(found, Measurement)
    assert 4.999 < found.value < 5
    assert found.below


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        ("p,0,lvef,0.55,%", "lvef_fraction", "value"),
        ("p,0,lvef,<55,%", "not_a_number", "value"),
        ("p,0,lvef,,%", "missing_value", "value"),
        ("p,0,lvef,.,%", "missing_value", "value"),
        ("p,0,lvef,4.9,%", "implausible_value", "value"),
        ("p,0,lvef,91,%", "implausible_value", "value"),
        ("p,0,lvef,0,%", "implausible_value", "value"),
        ("p,0,lvef,60,", "unknown_unit", "unit"),
        ("p,0,lvef,60,mL", "unknown_unit", "unit"),
        ("p,0,troponin_t,12,", "unknown_unit", "unit"),
        ("p,0,troponin_t,-1,ng/L", "implausible_value", "value"),
        ("p,0,troponin_t,<,ng/L", "missing_value", "value"),
        ("p,0,hf_symptoms,1.5,grade", "implausible_value", "value"),
        ("p,0,hf_symptoms,5,grade", "implausible_value", "value"),
        ("p,0,gls,0,%", "implausible_value", "value"),
        ("p,0,bnp,12,pg/mL", "unknown_measurement", "name"),
        ("p,20240531,lvef,60,%", "not_a_time", "time"),
        ("p,31.5.2024 10:00,lvef,60,%", "not_a_time", "time"),
        ("p,2199-01-01,lvef,60,%", "future_time", "time"),
        ("p,,lvef,60,%", "missing_value", "time"),
        (",0,lvef,60,%", "missing_value", "patient_id"),
        ("p,0,lvef,60", "row_width", ""),
    ],
)
def test_a_wrong_row_is_refused(tmp_path: Path, row: str, code: str, field: str) -> None:
    found = one(tmp_path, row)
    assert isinstance(found, Reject)
    assert (found.code, found.field, found.file, found.row) == (code, field, "m.csv", 3)
    assert found.reason


def test_a_table_of_fractions_called_per_cent_is_no_row_by_row_matter(tmp_path: Path) -> None:
    rows = "p,0,lvef,0.6,%\np,90,lvef,0.5,%\np,0,gls,-20,%\n"
    with pytest.raises(InputError, match=r"all 2 LVEF values of 'm.csv' are 1 or less and called"):
        read(tmp_path, HEADER + rows)


def test_other_column_names_and_declared_units(tmp_path: Path) -> None:
    text = "id,when,what,result,note\np,7,lvef,55,secret\n"
    columns = {"patient_id": "id", "time": "when", "name": "what", "value": "result"}
    (found,) = read(tmp_path, text, measurement_columns=columns, measurement_units={"lvef": "%"})
    assert found == Measurement(
        patient_id="p", name="lvef", time=None, day=7, value=55, below=False, row=2
    )
    with pytest.raises(InputError, match=r"lacks the column\(s\) unit; it has 5 columns"):
        read(tmp_path, text, measurement_columns=columns)


def test_a_unit_of_the_row_wins_over_the_declared_one(tmp_path: Path) -> None:
    found = one(tmp_path, "p,0,troponin_t,0.01,ng/mL", measurement_units={"troponin_t": "ng/L"})
    assert isinstance(found, Measurement)
    assert found.value == 10


def test_the_file_lies_under_the_data_folder(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "m.csv").write_text(HEADER)
    with pytest.raises(InputError, match=r"'measurements' names '../m.csv', which lies outside"):
        list(read_measurements(inside, MeasurementOptions(measurements="../m.csv")))
    with pytest.raises(
        InputError, match=r"'measurements' names 'none\.csv', which does not exist under"
    ):
        list(read_measurements(inside, MeasurementOptions(measurements="none.csv")))


def test_manifest_and_table_name_them(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("patient_id;time;name;value;unit\np;0;lvef;55,5;%\n")
    own = table.Options(
        patient_id="id", tabular={"x": "numeric"}, separator=";", decimal=",", measurements="m.csv"
    )
    found = table.measurements(tmp_path / "t.csv", own)
    assert found is not None
    assert [m.value for m in found if isinstance(m, Measurement)] == [55.5]
    plain = table.Options(label="y", tabular={"x": "numeric"})
    assert table.measurements(tmp_path / "t.csv", plain) is None
    assert manifest.measurements(tmp_path, manifest.Options()) is None


def test_a_manifest_with_measurements_needs_no_label(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("patient_id,index_time\np,2020-01-01\n")
    (record,) = manifest.read(tmp_path, manifest.Options(measurements="m.csv"))
    assert not isinstance(record, Reject)
    assert record.label is None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"measurements": "m.csv"}, "measurements are joined by patient: name the column"),
        (
            {"label": "y", "time_days": "t", "followup_days": "f"},
            "time_days needs 'label' or",
        ),
        ({"measurements": "m", "patient_id": "p", "time_days": "t"}, "time_days needs 'label' or"),
    ],
)
def test_options_that_do_not_go_together(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        validate(table.Options, {"tabular": {"x": "numeric"}, **options}, "here")


def test_one_column_of_times_for_events_and_the_others(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("y,t,x,d,i\n1,100,1,,2020-01-01\n0,400,1,,\n,30,1,30,\n")
    own = table.Options(label="y", tabular={"x": "numeric"}, time_days="t", death_days="d",
                        index_time="i")  # fmt: skip
    found = [r for r in table.read(file, own) if not isinstance(r, Reject)]
    assert [(r.event_time_days, r.followup_days, r.death_days) for r in found] == [
        (100, 100, None), (None, 400, None), (None, 30, 30),
    ]  # fmt: skip
    assert found[0].index_time == datetime.fromisoformat("2020-01-01")
