"""MIMIC-IV's layout through `mimic_iv`: what counts as known, who leaves, what is counted."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from components.core.engine import told
from components.core.errors import InputError
from components.core.event_tables.sequences import by_stay
from components.ingest.sources import mimic_iv
from components.ingest.sources.mimic_iv import Options
from components.ingest.sources.mimic_iv.exits import LEFT
from tests.ingest.sources.mimic_files import (
    PREDICTION,
    SMALL,
    Rows,
    read_all,
    shown,
    told_of,
    written,
)

DEMO = Path(__file__).resolve().parents[4] / "shared" / "data" / "mimic_iv_demo"
DAY = 86_400


def _set(table: str, place: int = 0, **cells: Any) -> Any:
    return lambda rows: rows[table][place].update(cells)


PLAIN = [
    (28, "prescription", "Heparin 1-2 mL IV"),
    (27, "microbiology", "URINE CULTURE ESCHERICHIA COLI CEFAZOLIN S"),
    (23, "procedure", "Arterial Line Left"),
    (22, "ingredient", "Water 12.5 ml 12.5 mL/hour FinishedRunning"),
    (6, "lab", "Creatinine 1.5 mg/dL (0.4–1.1) abnormal"),
]


@pytest.mark.parametrize("suffix", [".csv.gz", ".csv", ".parquet"])
def test_a_stay_becomes_its_events_in_order(tmp_path: Path, suffix: str) -> None:
    records, rejects = read_all(written(tmp_path, suffix=suffix))
    assert not rejects
    assert [each.record_id for each in records] == ["100", "101", "102"]
    assert [each.label for each in records] == [1, 0, 0]
    first = records[0]
    lab = "Creatinine 1.50 mg/dL (0.4–1.1) abnormal"
    assert told_of(first) == [*PLAIN[:-1], (6, "lab", lab)]
    assert first.events is not None
    assert (first.events.known_seconds / 3600).tolist() == [28, 2, 23, 22, 5]
    assert str(first.index_time) == PREDICTION
    assert first.period == "2011 - 2013"
    assert (first.stay_end_days, first.admission_end_days) == (3.0, 7.0)
    assert first.tabular == {
        "sex": "F", "age": 65.0, "race": "WHITE", "marital_status": "MARRIED",
        "admission_type": "URGENT", "admission_location": "CLINIC", "insurance": "Other",
        "care_unit": "MICU",
    }  # fmt: skip
    assert (first.death_days, first.followup_days, first.event_time_days) == (None, None, None)


def test_the_prediction_moves_with_its_option(tmp_path: Path) -> None:
    records, _ = read_all(written(tmp_path), Options(hours=21, memory_gb=1))
    assert [kind for _, kind, _ in told_of(records[0])] == [
        "prescription", "procedure", "ingredient", "lab",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        (_set("labevents", value="___"), "lab", "Creatinine mg/dL (0.4–1.1) abnormal"),
        (_set("labevents", ref_range_lower=None), "lab", "Creatinine 1.50 mg/dL abnormal"),
        (_set("labevents", storetime=None), "lab", "Creatinine 1.50 mg/dL (0.4–1.1) abnormal"),
        (_set("labevents", storetime="1950-03-02 12:00:01"), "lab",
         "Creatinine 1.50 mg/dL (0.4–1.1) abnormal"),
        (_set("labevents", ref_range_lower="1e30"), "lab", "Creatinine 1.50 mg/dL abnormal"),
        (_set("labevents", storetime="2150-03-02 12:00:01"), "lab", None),
        (_set("labevents", charttime="2150-02-28 11:59:59"), "lab", None),
        (_set("labevents", charttime=None), "lab", None),
        (_set("labevents", charttime="soon"), "lab", None),
        (_set("labevents", storetime="soon"), "lab", None),
        (_set("labevents", subject_id=777), "lab", None),
        (_set("prescriptions", dose_val_rx="___"), "prescription", "Heparin mL IV"),
        (_set("prescriptions", stoptime="2150-02-20 08:00:00"), "prescription",
         "Heparin 1-2 mL IV"),
        (_set("prescriptions", starttime="2150-03-02 12:00:01"), "prescription", None),
        (_set("procedureevents", storetime="2150-03-01 14:00:00"), "procedure",
         "Arterial Line Left 4320 min FinishedRunning"),
        (_set("ingredientevents", storetime="2150-03-04 00:00:00"), "ingredient", "Water"),
        (_set("ingredientevents", storetime="soon"), "ingredient", "Water"),
        (_set("microbiologyevents", storetime=None, storedate=None), "microbiology",
         "URINE CULTURE ESCHERICHIA COLI CEFAZOLIN S"),
        (_set("microbiologyevents", storetime="2150-03-02 12:00:01"), "microbiology", None),
        (_set("microbiologyevents", charttime=None, storetime=None, storedate=None,
              chartdate="2150-03-02 00:00:00"), "microbiology", None),
        (_set("microbiologyevents", charttime=None, chartdate="2150-02-27 00:00:00"),
         "microbiology", None),
        (_set("microbiologyevents", charttime=None, storetime="1950-03-02 12:00:01"),
         "microbiology", "URINE CULTURE ESCHERICHIA COLI CEFAZOLIN S"),
    ],
)  # fmt: skip
def test_what_was_not_known_is_nottold_of(
    tmp_path: Path, change: Any, kind: str, text: str | None
) -> None:
    records, rejects = read_all(written(tmp_path, change))
    assert not rejects
    found = [text for _, own, text in told_of(records[0]) if own == kind]
    assert found == ([] if text is None else [text])
    assert [kind for _, kind, _ in told_of(records[1])] == [kind for _, kind, _ in PLAIN]


def test_a_culture_of_the_day_of_admission_without_an_hour_counts_from_it(tmp_path: Path) -> None:
    bare = _set("microbiologyevents", charttime=None, chartdate="2150-02-28 00:00:00")
    records, _ = read_all(written(tmp_path, bare))
    admitted = (48, "microbiology", "URINE CULTURE ESCHERICHIA COLI CEFAZOLIN S")
    assert told_of(records[0])[0] == admitted
    assert records[0].events is not None
    assert (records[0].events.seconds >= records[0].events.known_seconds).all()


@pytest.mark.parametrize(
    "cells",
    [
        {"charttime": None, "storetime": "2150-02-28 03:00:00"},
        {"charttime": "soon"},
        {"charttime": None, "storetime": "later", "storedate": None},
        {"charttime": "2150-02-28 13:00:00", "storetime": "later", "storedate": None},
    ],
)
def test_a_culture_stored_before_admission_or_nobody_knows_when_is_left_out(
    tmp_path: Path, cells: dict[str, str | None]
) -> None:
    change = _set("microbiologyevents", chartdate="2150-02-28 00:00:00", **cells)
    records, rejects = read_all(written(tmp_path, change))
    assert not rejects
    assert "microbiology" not in [kind for _, kind, _ in told_of(records[0])]


@pytest.mark.parametrize(
    ("change", "code", "row"),
    [
        (_set("icustays", stay_id="x"), "no_id", 4),
        (_set("icustays", subject_id=None), "no_id", 2),
        (_set("icustays", 1, stay_id=100), "duplicate_id", None),
        (_set("patients", 1, subject_id=100), "duplicate_id", None),
        (_set("admissions", 2, hadm_id=5), "no_admission", 4),
        (_set("admissions", 2, admittime="x"), "no_admission", 4),
        (_set("admissions", 1, subject_id=100), "mixed_patients", 3),
        (_set("patients", 1, subject_id=5), "no_patient", 3),
        (_set("icustays", intime=None), "bad_times", 2),
        (_set("icustays", outtime="2150-02-01 00:00:00"), "bad_times", 2),
        (_set("admissions", deathtime="2150-02-28 13:00:00"), "bad_times", 2),
        (_set("icustays", intime="290000-12-05 12:00:00"), "bad_times", 2),
        (_set("admissions", admittime="1900-12-05 12:00:00"), "bad_times", 2),
        (_set("patients", anchor_age="inf"), "bad_age", 2),
        (_set("patients", anchor_year=1800), "bad_age", 2),
        (_set("admissions", hospital_expire_flag="yes"), "no_label", 2),
        (_set("admissions", 2, hospital_expire_flag=7), "label_not_binary", 4),
    ],
)
def test_a_stay_that_contradicts_itself_is_refused(
    tmp_path: Path, change: Any, code: str, row: int | None
) -> None:
    path = written(tmp_path, change)
    records, rejects = read_all(path)
    assert {each.code for each in rejects if each.code != "no_patient"} <= {code}
    assert code in {each.code for each in rejects}
    assert all(each.file == "icu/icustays" and each.row > 1 for each in rejects)
    if row is not None:
        assert [each.row for each in rejects] == [row]
    assert "100" not in "".join(each.reason + each.value for each in rejects)
    total = mimic_iv.flow(path, SMALL).total
    assert total == len(records) + len(rejects)


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (_set("icustays", 1, outtime="2150-03-02 11:59:59"), "left_before"),
        (_set("admissions", 1, deathtime="2150-03-02 12:00:00"), "died_before"),
    ],
)
def test_who_is_not_there_at_the_prediction_is_counted(
    tmp_path: Path, change: Any, step: str
) -> None:
    path = written(tmp_path, change)
    records, rejects = read_all(path)
    assert [each.record_id for each in records] == ["100", "102"]
    assert not rejects
    lost = {each.code: each.lost for each in mimic_iv.flow(path, SMALL).exits if each.code in LEFT}
    assert lost == {name: int(name == step) for name in LEFT}


def test_who_leaves_at_the_very_moment_was_there(tmp_path: Path) -> None:
    assert len(read_all(written(tmp_path, _set("icustays", outtime=PREDICTION)))[0]) == 3


def test_rows_are_counted_by_what_became_of_them(tmp_path: Path) -> None:
    def more(rows: Rows) -> None:
        lab = rows["labevents"][0]
        changes: list[dict[str, Any]] = [
            {"charttime": None}, {"charttime": "soon"}, {"charttime": "2150-01-01 00:00:00"},
            {"charttime": "2150-04-01 00:00:00"}, {"storetime": "2150-04-01 00:00:00"},
            {"subject_id": 777},
        ]  # fmt: skip
        rows["labevents"] += [lab | change for change in changes]
        rows["prescriptions"][1]["stoptime"] = "2150-01-01 00:00:00"
        rows["admissions"][0]["dischtime"] = "2150-03-09 11:00:00"

    found = mimic_iv.counts(written(tmp_path, more), SMALL)
    own = {n.removeprefix("labevents_"): v for n, v in found.items() if n.startswith("labevents")}
    assert own == {
        "rows": 9, "unreadable_time": 1, "without_time": 1, "of_other_stays": 1,
        "before_admission": 1, "after_prediction": 1, "known_later": 1, "stop_before_start": 0,
    }  # fmt: skip
    assert found["prescriptions_stop_before_start"] == 1
    assert found["deaths_after_discharge"] == 1


@pytest.mark.parametrize(
    ("cells", "fate"),
    [
        ({"charttime": None, "chartdate": "2150-02-28 00:00:00"}, ""),
        ({"charttime": None, "chartdate": "2150-02-27 00:00:00"}, "before_admission"),
        ({"charttime": None, "chartdate": "2150-02-28 00:00:00",
          "storetime": "2150-02-28 03:00:00"}, "before_admission"),
        ({"charttime": "soon", "chartdate": "2150-03-01 00:00:00"}, "unreadable_time"),
    ],
)  # fmt: skip
def test_cultures_are_counted_by_what_became_of_them(
    tmp_path: Path, cells: dict[str, str | None], fate: str
) -> None:
    plain = mimic_iv.counts(written(tmp_path / "plain"), SMALL)
    found = mimic_iv.counts(written(tmp_path / "bare", _set("microbiologyevents", **cells)), SMALL)
    changed = {name: found[name] - plain[name] for name in plain if found[name] != plain[name]}
    assert changed == ({f"microbiologyevents_{fate}": 1} if fate else {})


def test_a_stay_of_thirty_thousand_events_and_one_of_none(tmp_path: Path) -> None:
    def many(rows: Rows) -> None:
        rows["labevents"] += [rows["labevents"][0]] * 29_995
        for name in ("prescriptions", "labevents", "microbiologyevents", "procedureevents",
                     "ingredientevents"):  # fmt: skip
            rows[name] = [row for row in rows[name] if row["subject_id"] != 101]

    records, _ = read_all(written(tmp_path, many, suffix=".parquet"))
    assert [len(each.events or ()) for each in records] == [30_000, 0, 5]


@pytest.mark.parametrize("suffix", [".csv.gz", ".parquet"])
def test_a_session_gives_the_same_and_reads_each_file_once(tmp_path: Path, suffix: str) -> None:
    def odd(rows: Rows) -> None:
        lab = rows["labevents"][0]
        rows["labevents"] += [lab | {"charttime": "soon"}, lab | {"storetime": " "},
                              lab | {"storetime": "later"}, lab | {"charttime": None}]  # fmt: skip

    path = written(tmp_path, odd, suffix=suffix)
    plain = (read_all(path), mimic_iv.counts(path, SMALL), mimic_iv.flow(path, SMALL))
    with mimic_iv.session(path, SMALL) as opened:
        shutil.rmtree(path)
        records, rejects = read_all(opened)
        assert [shown(each) for each in records] == [shown(each) for each in plain[0][0]]
        assert rejects == plain[0][1]
        assert mimic_iv.count(opened, SMALL) == 3
        assert mimic_iv.counts(opened, SMALL) == plain[1]
        assert mimic_iv.flow(opened, SMALL) == plain[2]
    assert plain[1]["labevents_unreadable_time"] == 2


def test_two_stays_of_an_admission_have_their_own_predictions(tmp_path: Path) -> None:
    def again(rows: Rows) -> None:
        second = {"stay_id": 200, "intime": "2150-03-05 13:00:00", "outtime": "2150-03-07 13:00:00"}
        rows["icustays"].append(rows["icustays"][0] | second)

    records, _ = read_all(written(tmp_path, again))
    assert [each.record_id for each in records] == ["100", "101", "102", "200"]
    assert records[3].patient_id == "100"
    # What was stored after the first prediction is known at the second.
    assert "4320" in told_of(records[3])[2][2]


def test_columns_in_capitals_are_the_same(tmp_path: Path) -> None:
    def capitals(rows: Rows) -> None:
        rows["icustays"] = [{k.upper(): v for k, v in row.items()} for row in rows["icustays"]]

    assert len(read_all(written(tmp_path, capitals))[0]) == 3


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_missing_table_or_column_is_named(tmp_path: Path, suffix: str) -> None:
    def drop(rows: Rows) -> None:
        rows["labevents"] = [
            {k: v for k, v in row.items() if k not in ("storetime", "flag")}
            for row in rows["labevents"]
        ]

    with pytest.raises(InputError, match=rf"'labevents{suffix}' lacks .* storetime, flag; take"):
        read_all(written(tmp_path, drop, suffix=suffix))
    (tmp_path / "hosp" / f"d_labitems{suffix}").unlink()
    (tmp_path / "hosp" / f"labevents{suffix}").unlink()
    with pytest.raises(InputError, match="'hosp/labevents' is missing from the folder"):
        read_all(tmp_path)
    with pytest.raises(InputError, match="there is no folder 'elsewhere'; name the folder"):
        read_all(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text + b"1,2,3\n",
        lambda text: text.replace(b"Heparin", b"Hep\xff\xfe"),
        lambda text: text[:-20] + b'"',
    ],
)
def test_a_damaged_table_is_named_and_not_quoted(tmp_path: Path, damage: Any) -> None:
    file = written(tmp_path, suffix=".csv") / "hosp" / "prescriptions.csv"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(
        InputError, match=r"prescriptions.csv.*(is damaged, or no comma|is not UTF-8)"
    ) as raised:
        read_all(tmp_path)
    assert "Heparin" not in str(raised.value)


def test_a_cut_file_is_named(tmp_path: Path) -> None:
    file = written(tmp_path) / "hosp" / "labevents.csv.gz"
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"labevents.csv.gz.*(mend that file|no whole gzip file)"):
        read_all(tmp_path)


def test_too_little_memory_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not fit into the memory .* raise memory_gb"):
        read_all(written(tmp_path), Options(memory_gb=1e-6))


def test_a_full_disk_is_said_and_not_taken_for_a_damaged_file() -> None:
    full = 'IO Error: Could not write file "x.csv.gz": No space left on device'
    with (
        pytest.raises(InputError, match=r"no room left for the table 'x'; set TMPDIR to a folder"),
        told("the table 'x'"),
    ):
        raise duckdb.IOException(full)


def test_a_sequence_takes_no_batch_along_to_another_process() -> None:
    rows = 10_000
    batch = pa.record_batch({
        "stay_id": pa.array(np.arange(rows) // 2),
        "seconds": pa.array(np.arange(rows)), "known_seconds": pa.array(np.arange(rows)),
        "event_type": pa.array(np.zeros(rows, np.int32)),
        "event_text": pa.array(["a text of some length"] * rows),
    })  # fmt: skip
    found = list(by_stay([batch.slice(0, 4999), batch.slice(4999)]))
    assert [(stay, len(events)) for stay, events in found] == [(i, 2) for i in range(5000)]
    assert found[2499][1].seconds.tolist() == [4998, 4999]
    assert len(pickle.dumps(found[0][1])) < 2000


@pytest.mark.real_data
def test_the_demo_gives_its_stays() -> None:
    if not DEMO.is_dir():
        pytest.skip("the real sample data ../shared/data/mimic_iv_demo is absent")
    records, rejects = read_all(DEMO)
    assert (len(records), len(rejects)) == (117, 0)
    assert sum(len(each.events or ()) for each in records) == 39_001
    assert sum(each.label or 0 for each in records) == 14
    for each in records:
        assert each.events is not None
        assert 0 <= (each.stay_end_days or -1) < 20
        assert 0 < (each.admission_end_days or 0) < 44
        assert (each.events.seconds >= 0).all()
        assert (each.events.known_seconds >= 0).all()
        assert (np.diff(each.events.seconds) <= 0).all()
    flow = mimic_iv.flow(DEMO, SMALL)
    assert flow.total == 140
    assert {each.code: each.lost for each in flow.exits if each.lost} == {"left_before": 23}
    assert mimic_iv.counts(DEMO, SMALL)["deaths_after_discharge"] == 4
