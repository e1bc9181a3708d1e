"""`mimic_iv_ecg`: small files in the layouts of MIMIC-IV-ECG, MIMIC-IV-Note and MIMIC-IV."""

from __future__ import annotations

import gzip
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from components.core.config.base import validate
from components.core.errors import ConfigError, InputError
from components.core.schemas import NOTES
from components.ingest.records import Note, Record, Reject
from components.ingest.sources import mimic_iv_ecg as source
from tests.chain import (
    beats,
    ingest_config,
    ingested,
    manifest_of,
    prepared,
    rejects_of,
    write_wfdb,
)

STUDIES = [
    (10000032, 40689238, "2180-07-23 08:44:00"),
    (10000032, 44458630, "2180-07-23 09:54:00"),
    (10000117, 48834859, "2181-11-15 02:05:00"),
    (10009999, 49036311, "2180-01-02 02:05:00"),
]
ALL: dict[str, Any] = {
    "lvef": "echo/lvef.csv",
    "discharge": "note/discharge.csv.gz",
    "radiology": "note/radiology.csv",
    "patients": "hosp/patients.csv.gz",
    "outcomes": "outcomes.csv",
}
NOTE_HEADER = "note_id,subject_id,hadm_id,note_type,note_seq,charttime,storetime,text\n"
PEOPLE = "subject_id,gender,anchor_age,anchor_year,anchor_year_group,dod\n"
DATED = "subject_id,event_time,followup_time\n"


def write(root: Path, name: str, text: str) -> None:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())


@pytest.fixture
def mimic(tmp_path: Path) -> Path:
    root = tmp_path / "mimic"
    lines = ["subject_id,study_id,file_name,ecg_time,path"]
    for seed, (subject, study, time) in enumerate(STUDIES):
        folder = f"files/p{subject // 10000}/p{subject}/s{study}"
        (root / folder).mkdir(parents=True)
        write_wfdb(root / folder, str(study), beats(seed))
        lines.append(f"{subject},{study},{study},{time},{folder}/{study}")
    write(root, "record_list.csv", "\n".join(lines) + "\n")
    write(root, ALL["lvef"], "subject_id,echo_time,lvef\n10000032,2180-07-25,35\n"
          "10000117,2181-11-15 10:00:00,60\n10000117,2181-12-15,0.6\n")  # fmt: skip
    write(root, ALL["discharge"], f"{NOTE_HEADER}10000032-DS-21,10000032,22595853,DS,21,"
          '2180-07-20 00:00:00,2180-07-22 15:09:00,"Name: ___\n\nEF 35 %, dyspnoea"\n')  # fmt: skip
    write(root, ALL["radiology"], f"{NOTE_HEADER}10000117-RR-1,10000117,,RR,1,"
          "2181-11-14 10:00:00,,clear lungs\n10000117-RR-2,10000117,,RR,2,,,no date\n")  # fmt: skip
    write(root, ALL["patients"], PEOPLE +
          "10000032,F,52,2178,2014 - 2016,2180-09-09\n"
          "10000117,M,48,2174,2008 - 2010,\n")  # fmt: skip
    write(root, ALL["outcomes"], f"{DATED}10000032,2180-07-23 09:00:00,2180-09-09\n"
          "10000117,,2183-01-01\n")  # fmt: skip
    return root


def read(root: Path, **options: Any) -> list[Record | Reject]:
    return list(source.read(root, validate(source.Options, options, "here")))


def test_every_study_of_a_patient_with_a_truth(mimic: Path) -> None:
    found = read(mimic, **ALL)
    assert found == read(mimic / "record_list.csv", **ALL)
    first, second, third = (item for item in found if isinstance(item, Record))
    assert [r.record_id for r in (first, second, third)] == ["40689238", "44458630", "48834859"]
    assert (first.patient_id, first.period) == ("10000032", "2014 - 2016")
    assert first.index_time == first.ecg_time == datetime(2180, 7, 23, 8, 44)  # noqa: DTZ001
    assert first.tabular == {"age": 54.0, "sex": "F"}
    assert third.tabular == {"age": 55.0, "sex": "M"}
    assert first.event_time_days == pytest.approx(16 / 1440)
    assert (first.prevalent, first.followup_days, first.death_days) == (0, 48, 48)
    # The event lies before the second study of the day.
    assert (second.prevalent, second.event_time_days, second.followup_days) == (1, None, None)
    assert second.death_days is None
    assert (third.event_time_days, third.death_days, third.label) == (None, None, None)
    assert third.followup_days == 412
    options = validate(source.Options, ALL, "here")
    assert source.counts(mimic, options) == {"studies_without_truth": 1}
    assert source.features(mimic, options) == {"age": "numeric", "sex": "categorical"}


def test_lvefs_and_notes(mimic: Path) -> None:
    options = validate(source.Options, ALL, "here")
    lvefs = list(source.measurements(mimic, options) or ())
    assert [m.value for m in lvefs] == [35, 60, "0.6"]
    reject = lvefs[2]
    assert isinstance(reject, Reject)
    assert (reject.code, reject.row, reject.file) == ("lvef_fraction", 4, "lvef.csv")
    notes = list(source.notes(mimic, options) or ())
    summary, report, undated = notes
    assert isinstance(summary, Note)
    assert (summary.patient_id, summary.record_id) == ("10000032", None)
    assert summary.stored == datetime(2180, 7, 22, 15, 9)  # noqa: DTZ001
    assert "dyspnoea" in summary.text
    assert isinstance(report, Note)
    assert (report.text, report.stored) == ("clear lungs", None)
    assert isinstance(undated, Reject)
    assert (undated.code, undated.file, undated.row) == ("missing_value", "radiology.csv", 3)


def test_the_least_that_is_needed(mimic: Path) -> None:
    found = read(mimic, lvef=ALL["lvef"])
    assert len(found) == 3
    assert all(isinstance(r, Record) and r.death_days is None and not r.tabular for r in found)
    options = validate(source.Options, {"outcomes": ALL["outcomes"]}, "here")
    assert source.notes(mimic, options) is None
    assert source.measurements(mimic, options) is None
    assert source.features(mimic, options) == {}


def test_days_from_a_study(mimic: Path) -> None:
    write(mimic, "o.csv", "subject_id,study_id,time_days,event\n10000032,40689238,10,2\n"
          "10000032,44458630,9,0\n10000117,48834859,5,7\n")  # fmt: skip
    first, second, third = read(mimic, outcomes="o.csv", patients=ALL["patients"])
    assert isinstance(first, Record)
    assert (first.death_days, first.followup_days, first.prevalent) == (10, 10, None)
    assert isinstance(second, Record)
    assert (second.event_time_days, second.followup_days) == (None, 9)
    assert isinstance(third, Reject)
    assert (third.code, third.row) == ("event_code_unknown", 4)


def test_days_that_do_not_say_from_which_study(mimic: Path) -> None:
    write(mimic, "o.csv", "subject_id,time_days,event\n10000032,10,1\n10000117,5,1\n10000117,6,1\n"
          "10009999,4,1\n")  # fmt: skip
    found = read(mimic, outcomes="o.csv")
    codes = [r.code if isinstance(r, Reject) else "ok" for r in found]
    assert codes == ["outcome_ambiguous", "outcome_ambiguous", "duplicate_id", "ok"]


def test_what_a_patients_rows_get_wrong_refuses_the_patients_studies(mimic: Path) -> None:
    write(mimic, "p.csv", PEOPLE +
          "10000032,F,old,2178,2014 - 2016,\n10000117,M,50,2181,x,2181-01-01\n")  # fmt: skip
    write(mimic, "o.csv", f"{DATED}10000032,,2180-07-01\n10000117,,2182-01-01\n")
    bad, also_bad, dead = read(mimic, patients="p.csv", outcomes="o.csv")
    assert isinstance(bad, Reject)
    assert isinstance(also_bad, Reject)
    assert isinstance(dead, Reject)
    assert (bad.code, bad.field) == ("not_a_number", "anchor_age")
    assert (dead.code, dead.field) == ("event_before_index", "dod")
    (gone, *_) = read(mimic, outcomes="o.csv")
    assert isinstance(gone, Reject)
    assert (gone.code, gone.field) == ("event_before_index", "followup_time")


def test_patients_whom_the_other_tables_lack(mimic: Path) -> None:
    write(mimic, "p.csv", PEOPLE)
    write(mimic, "o.csv", f"{DATED}10009999,,2181-01-01\n")
    first, *_, last = read(mimic, lvef=ALL["lvef"], patients="p.csv", outcomes="o.csv")
    assert isinstance(first, Record)
    assert (first.tabular, first.followup_days) == ({"age": None, "sex": None}, None)
    assert isinstance(last, Record)
    assert last.followup_days == 365


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (
            "subject_id,event_time",
            "has event_time and no followup_time: an empty event_time",
        ),
        ("subject_id,event_time,time_days,event", "needs either event_time .* it has both"),
        ("subject_id", "needs either event_time .* it has neither"),
        ("subject_id,time_days", r"lacks the column\(s\) event"),
        ("event_time", r"lacks the column\(s\) subject_id"),
    ],
)
def test_outcomes_in_no_layout(mimic: Path, header: str, sentence: str) -> None:
    write(mimic, "o.csv", f"{header}\n")
    with pytest.raises(InputError, match=sentence):
        read(mimic, outcomes="o.csv")


def test_no_truth_and_no_list(mimic: Path) -> None:
    with pytest.raises(ConfigError, match="name 'lvef' or 'outcomes'; without either there is no"):
        read(mimic)
    with pytest.raises(InputError, match=r"'record_list' names 'list.csv', which does not exist"):
        read(mimic, record_list="list.csv", **ALL)


def test_through_ingest(mimic: Path, data_folder: Path) -> None:
    stage = ingested(ingest_config("mimic_iv_ecg", mimic, ALL, max_reject_rate=0.5))
    assert manifest_of(stage)["ecg_fs"].tolist() == [500.0] * 3
    assert manifest_of(stage)["period"].tolist() == ["2014 - 2016"] * 2 + ["2008 - 2010"]
    assert stage.counts["measurements"] == 2
    assert stage.counts["studies_without_truth"] == 1
    assert len(pd.read_parquet(stage.folder / NOTES)) == 2
    assert set(rejects_of(stage)["code"]) == {"lvef_fraction", "missing_value"}


def test_through_preprocess(mimic: Path, data_folder: Path) -> None:
    folder = "files/p1000/p10000032/s40689238/40689238"
    periods = ("2008 - 2010", "2011 - 2013", "2014 - 2016")
    plain = range(12)
    write(mimic, "record_list.csv", "subject_id,study_id,file_name,ecg_time,path\n" + "".join(
        f"{i},{100 + i},x,2180-07-23 08:44:00,{folder}\n" for i in plain))  # fmt: skip
    write(mimic, ALL["lvef"], "subject_id,echo_time,lvef\n" + "".join(
        f"{i},2180-07-{10 + 6 * (i == 7):02d},{40 + 20 * (i % 2)}\n" for i in plain))  # fmt: skip
    write(mimic, ALL["patients"], PEOPLE
          + "".join(f"{i},F,50,2180,{periods[i // 4]},\n" for i in plain))  # fmt: skip
    write(mimic, "d.csv", f"{NOTE_HEADER}a,7,,DS,1,2180-07-02,2180-07-03 10:00:00,early\n"
          "c,0,,DS,1,2180-07-02,2180-07-03 10:00:00,tired\n"
          "d,1,,DS,1,2180-07-02,2180-07-03 10:00:00,well\n"
          "b,7,,DS,2,2180-07-02,2180-07-17 10:00:00,late\n")  # fmt: skip
    options = {"lvef": ALL["lvef"], "patients": ALL["patients"], "discharge": "d.csv"}
    stage = prepared(
        ingested(ingest_config("mimic_iv_ecg", mimic, options)),
        label={"name": "lvef", "derive": "head"},
        heads={"lvef": {"kind": "binary", "target": "lvef", "below": 50}},
        modalities=("ecg", "tabular", "text"),
        text={"min_documents": 1},
        split={"method": "period"},
    )
    frame = manifest_of(stage)
    assert frame["label"].tolist() == [1, 0] * 6
    assert frame["part.period"].tolist() == ["train"] * 4 + ["val"] * 4 + ["test"] * 4
    assert stage.counts["echo_days_median"] == 13
    assert frame.loc[7, "text.note"] == "early"  # the other was stored after the echo of the 16th
    assert stage.counts["notes_after_echo"] == 1
