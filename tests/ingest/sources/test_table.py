"""`table`: a tabular cohort with a declared column mapping."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.core.config.base import validate
from components.core.errors import ConfigError, InputError
from components.ingest.records import Record, Reject
from components.ingest.sources import table

OPTIONS = table.Options(
    label="CTRCD",
    tabular={"LVEF": "numeric", "rhythm": "categorical"},
    patient_id="id",
    separator=";",
    decimal=",",
    site="centre",
    event_time_days="event",
    followup_days="time",
    split="part",
)


def test_semicolons_decimal_commas_and_crlf(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(
        "\ufeffid;CTRCD;LVEF;rhythm;centre;event;time;part\r\n"
        "a;1;60,25;sinus;X;10,5;10,5;train\r\nb;;;;;;;\r\n".encode()
    )
    first, second = table.read(file, OPTIONS)
    assert first == Record(
        record_id="row-2", patient_id="a", row=2, label=1, site="X", event_time_days=10.5,
        followup_days=10.5, given_split="train", tabular={"LVEF": 60.25, "rhythm": "sinus"},
    )  # fmt: skip
    assert isinstance(second, Record)
    assert (second.label, second.tabular) == (None, {"LVEF": None, "rhythm": None})
    assert table.features(file, OPTIONS) == {"LVEF": "numeric", "rhythm": "categorical"}


def test_mixed_types_in_a_column_refuse_the_rows_concerned(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("y,x\n1,3\n0,n.d.\n2,3\n0,4,5\n1,\n")
    found = list(table.read(file, table.Options(label="y", tabular={"x": "numeric"})))
    codes = [item.code if isinstance(item, Reject) else "ok" for item in found]
    assert codes == ["ok", "not_a_number", "label_not_binary", "row_width", "ok"]
    reject = found[1]
    assert isinstance(reject, Reject)
    assert (reject.file, reject.row, reject.field, reject.value) == ("t.csv", 3, "x", "n.d.")


def test_a_misspelt_split_does_not_drop_the_record_silently(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("y,x,s\n1,3,training\n")
    options = table.Options(label="y", tabular={"x": "numeric"}, split="s")
    (reject,) = table.read(file, options)
    assert isinstance(reject, Reject)
    assert (reject.code, reject.field, reject.value) == (
        "unknown_split",
        "s",
        "text of 8 characters",
    )


def test_rows_without_patient_column_are_their_own_patients(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("y,x\n1,3\n0,4\n")
    found = list(table.read(file, table.Options(label="y", tabular={"x": "numeric"})))
    assert [item.patient_id for item in found if isinstance(item, Record)] == ["row-2", "row-3"]


def test_a_missing_column_stops_the_run(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("y,x\n1,3\n")
    with pytest.raises(InputError, match=r"'t.csv' lacks the column\(s\) bmi; it has 2 columns"):
        list(table.read(file, table.Options(label="y", tabular={"bmi": "numeric"})))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"label": "y", "tabular": {}}, "'tabular' in here .*should have at least 1 item"),
        ({"label": "y", "tabular": {"x": "number"}}, "'tabular.x' in here is 'number'"),
        (
            {"tabular": {"x": "numeric"}},
            "name the column 'label', or 'measurements' that give the label",
        ),
        ({"label": "y", "tabular": {"x": "numeric"}, "separator": ";;"}, "at most 1 character"),
    ],
)
def test_wrong_options(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        validate(table.Options, options, "here")
