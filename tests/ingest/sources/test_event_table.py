"""A hospital's own sequences: both layouts, both formats, and what cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from components.core.data.stored_events import EVENT_KINDS
from components.core.errors import ConfigError, InputError
from components.ingest.records import Record, Reject
from components.ingest.sources import event_table
from components.ingest.sources.registry import source
from tests.chain import ingest_config, ingested, manifest_of, rejects_of
from tests.ingest.sources.event_files import (
    COURSE,
    PREDICTION,
    Rows,
    events,
    stays,
    write_lists,
    write_rows,
)


def _read(path: Path, options: dict[str, Any]) -> tuple[list[Record], list[Reject]]:
    items = list(event_table.read(path, event_table.Options(**options)))
    records = [each for each in items if isinstance(each, Record)]
    return records, [each for each in items if isinstance(each, Reject)]


def _told(record: Record) -> list[tuple[float, str, str]]:
    own = record.events
    assert own is not None
    kinds = [EVENT_KINDS[kind] for kind in own.kind]
    return list(zip((own.seconds / 3600).tolist(), kinds, own.text.to_pylist(), strict=True))


def _fates(path: Path, options: dict[str, Any]) -> dict[str, float]:
    found = event_table.counts(path, event_table.Options(**options))
    return {name.removeprefix("event_rows_"): n for name, n in found.items() if n}


@pytest.mark.parametrize("write", [write_rows, write_lists])
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_both_layouts_give_the_same_sequences(tmp_path: Path, write: Any, suffix: str) -> None:
    options = write(tmp_path, stays(), events(), suffix)
    records, rejects = _read(tmp_path, options)
    assert not rejects
    assert [(each.record_id, each.patient_id, each.label) for each in records] == [
        ("s0", "p0", 1), ("s1", "p1", 0), ("s2", "p2", 0),
    ]  # fmt: skip
    for each in records:
        assert _told(each) == list(COURSE)
        assert each.index_time == PREDICTION
    assert [each.tabular for each in records] == [{"age": 60}, {"age": 61}, {"age": 62}]
    assert _fates(tmp_path, options) == {"event_rows": 9, "used": 9}
    assert event_table.count(tmp_path, event_table.Options(**options)) == 3


def test_the_table_of_stays_is_a_path_and_labels_may_be_absent(tmp_path: Path) -> None:
    own = [{k: v for k, v in row.items() if k != "label"} for row in stays()]
    options = write_rows(tmp_path, own, events()) | {"label": ""}
    records, _ = _read(tmp_path / "stays.csv", options)
    assert [each.label for each in records] == [None] * 3


def test_empty_cells_of_parquet_are_empty_cells(tmp_path: Path) -> None:
    own = [row | {"age": None if i == 1 else 60} for i, row in enumerate(stays())]
    records, rejects = _read(tmp_path, write_rows(tmp_path, own, events(), ".parquet"))
    assert not rejects
    assert [each.tabular for each in records] == [{"age": 60}, {"age": None}, {"age": 60}]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_when_a_stay_ends_is_kept_beside_its_features(tmp_path: Path, suffix: str) -> None:
    ends = [("2024-03-04 00:00:00", "2024-03-09 12:00:00"), ("2024-03-02", None), (None, None)]
    own = [row | {"out": out, "home": home} for row, (out, home) in zip(stays(), ends, strict=True)]
    options = write_rows(tmp_path, own, events(), suffix)
    options |= {"stay_end": "out", "admission_end": "home"}
    records, rejects = _read(tmp_path, options)
    assert not rejects
    assert [each.stay_end_days for each in records] == [1.5, -0.5, None]
    assert [each.admission_end_days for each in records] == [7.0, None, None]
    stage = ingested(ingest_config("event_table", tmp_path, options))
    held = manifest_of(stage)
    assert held["stay_end_days"].tolist()[:2] == [1.5, -0.5]
    assert held["admission_end_days"].isna().tolist() == [False, True, True]
    assert "tab.out" not in held


@pytest.mark.parametrize("out", ["2024-03-02 11:59:59", "2024-03-01"])
def test_a_stay_that_was_over_before_the_prediction_is_refused(tmp_path: Path, out: str) -> None:
    own = [row | {"out": out if i == 1 else None} for i, row in enumerate(stays())]
    options = write_rows(tmp_path, own, events()) | {"stay_end": "out"}
    records, rejects = _read(tmp_path, options)
    assert [each.record_id for each in records] == ["s0", "s2"]
    assert [(each.code, each.field, each.row) for each in rejects] == [
        ("over_before_prediction", "out", 3)
    ]


def test_columns_can_be_called_otherwise(tmp_path: Path) -> None:
    names = {"stay_id": "case", "patient_id": "pid", "prediction_time": "at", "label": "died",
             "event_time": "when", "event_type": "kind", "event_text": "what"}  # fmt: skip
    own = [{names.get(k, k): v for k, v in row.items()} for row in stays()]
    happened = [{names.get(k, k): v for k, v in row.items()} for row in events()]
    options = write_rows(tmp_path, own, happened) | names
    assert _told(_read(tmp_path, options)[0][2]) == list(COURSE)


@pytest.mark.parametrize(
    ("change", "fate"),
    [
        ({"event_time": "2024-03-02 12:00:01"}, "after_prediction"),
        ({"known": "2024-03-02 12:00:01"}, "known_later"),
        ({"known": "2024-03-02"}, "known_later"),
        ({"event_time": "2024-03-02"}, "known_later"),
        ({"event_time": "2024-03-02T11:00:00+01:00"}, "of_mixed_zones"),
        ({"known": "2024-03-02T11:00:00Z"}, "of_mixed_zones"),
        ({"event_time": None}, "without_time"),
        ({"event_time": "soon"}, "unreadable_time"),
        ({"known": "soon"}, "unreadable_time"),
        ({"event_time": "1924-03-02 12:00:00"}, "too_old"),
        ({"event_type": "imaging"}, "unknown_type"),
        ({"event_type": None}, "unknown_type"),
        ({"event_text": " "}, "without_text"),
        ({"stay_id": "s9"}, "of_other_stays"),
        ({"stay_id": None}, "of_other_stays"),
        ({"patient_id": "p1"}, "of_another_patient"),
    ],
)
def test_rows_that_do_not_count_are_counted(
    tmp_path: Path, change: dict[str, Any], fate: str
) -> None:
    happened = [row | {"known": None} for row in events()]
    happened[0] |= change
    options = write_rows(tmp_path, stays(), happened) | {"known_time": "known"}
    assert _fates(tmp_path, options) == {"event_rows": 9, "used": 8, fate: 1}
    records, _ = _read(tmp_path, options)
    assert _told(records[0]) == list(COURSE[:2])
    assert _told(records[1]) == list(COURSE)


def test_what_is_known_in_time_is_used(tmp_path: Path) -> None:
    happened = [row | {"known": "2024-03-02 12:00:00"} for row in events()]
    happened[0] |= {"event_time": "2024-03-01", "known": None, "event_type": " LAB "}
    happened[1] |= {"known": "2024-03-01"}
    options = write_rows(tmp_path, stays(), happened) | {"known_time": "known"}
    records, _ = _read(tmp_path, options)
    first, second = (each.events for each in records[:2])
    assert first is not None
    assert second is not None
    assert (first.seconds / 3600).tolist() == [36, 30, 5]
    assert (first.known_seconds / 3600).tolist() == [12, 0, 0]
    # Nothing is known before it happens.
    assert (second.known_seconds / 3600).tolist() == [0, 0, 1]


def test_zones_on_both_sides_are_one_clock(tmp_path: Path) -> None:
    own = [row | {"prediction_time": "2024-03-02T13:00:00+01:00"} for row in stays()]
    happened = [row | {"event_time": row["event_time"].replace(" ", "T") + "Z"} for row in events()]
    records, _ = _read(tmp_path, write_rows(tmp_path, own, happened))
    assert _told(records[0]) == list(COURSE)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"stay_id": None}, "missing_value"),
        ({"stay_id": "s0", "patient_id": "p9"}, "duplicate_id"),
        ({"patient_id": None}, "missing_value"),
        ({"prediction_time": None}, "missing_value"),
        ({"prediction_time": "noon"}, "not_a_time"),
        ({"prediction_time": "2200-01-01"}, "future_time"),
        ({"label": 7}, "label_not_binary"),
        ({"age": "old"}, "not_a_number"),
    ],
)
def test_a_stay_that_cannot_be_used_is_refused(
    tmp_path: Path, change: dict[str, Any], code: str
) -> None:
    own = stays()
    own[2] |= change
    options = write_rows(tmp_path, own, events())
    records, rejects = _read(tmp_path, options)
    assert [(each.code, each.row, each.file) for each in rejects] == [(code, 4, "stays.csv")]
    assert [each.record_id for each in records] == ["s0", "s1"]
    assert _told(records[1]) == list(COURSE)


def _change(file: Path, cell: object) -> None:
    """Put a cell in the place of the second stay's types."""
    frame = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    cells = frame["event_type"].tolist()
    frame["event_type"] = [cells[0], cell, cells[2]]
    if file.suffix == ".parquet":
        frame.to_parquet(file)
    else:
        frame.to_csv(file, index=False)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_lists_of_unequal_length_are_counted(tmp_path: Path, suffix: str) -> None:
    options = write_lists(tmp_path, stays(), events(), suffix)
    _change(tmp_path / f"stays{suffix}", ["lab"] if suffix == ".parquet" else '["lab"]')
    assert _fates(tmp_path, options) == {"event_rows": 9, "used": 6, "of_unequal_lists": 3}
    assert [len(each.events or ()) for each in _read(tmp_path, options)[0]] == [3, 0, 3]


@pytest.mark.parametrize("cell", ["lab", '{"a": 1}', '["lab"', "7"])
def test_a_cell_that_is_no_list_is_counted(tmp_path: Path, cell: str) -> None:
    options = write_lists(tmp_path, stays(), events())
    _change(tmp_path / "stays.csv", cell)
    found = _fates(tmp_path, options)
    assert found["used"] == 6
    assert found["event_rows"] == 9


def test_too_many_rows_that_cannot_be_used_end_the_run(tmp_path: Path) -> None:
    happened = events()
    happened[0]["event_type"] = "imaging"
    options = write_rows(tmp_path, stays(), happened)
    sentence = r"1 of 9 events of 'events.csv' cannot be used \(1 × unknown_type\).*limit of 5%"
    with pytest.raises(InputError, match=sentence):
        event_table.count(tmp_path, event_table.Options(**options))
    assert event_table.count(tmp_path, event_table.Options(**options, max_bad_rows=0.2)) == 3


def _drop(rows: Rows, name: str) -> Rows:
    return [{k: v for k, v in row.items() if k != name} for row in rows]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_missing_table_or_column_is_named(tmp_path: Path, suffix: str) -> None:
    options = write_rows(tmp_path, _drop(stays(), "label"), events(), suffix)
    with pytest.raises(InputError, match=rf"'stays{suffix}' lacks the column\(s\) label"):
        _read(tmp_path, options)
    options = write_rows(tmp_path, stays(), _drop(events(), "event_text"), suffix)
    with pytest.raises(InputError, match=rf"'events{suffix}' lacks the column\(s\) event_text"):
        _read(tmp_path, options)
    (tmp_path / f"events{suffix}").unlink()
    with pytest.raises(InputError, match="the option 'events' names 'events"):
        _read(tmp_path, options)
    with pytest.raises(InputError, match=r"nowhere.csv' does not exist; correct the 'path'"):
        _read(tmp_path / "nowhere.csv", options)


def test_a_damaged_parquet_file_is_named(tmp_path: Path) -> None:
    options = write_rows(tmp_path, stays(), events(), ".parquet")
    good = (tmp_path / "events.parquet").read_bytes()
    (tmp_path / "events.parquet").write_bytes(good[:-20])
    with pytest.raises(InputError, match=r"'events.parquet' cannot be read"):
        _read(tmp_path, options)
    (tmp_path / "stays.parquet").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"'stays.parquet' is no whole Parquet file; copy it"):
        _read(tmp_path, options)


def test_columns_of_events_must_differ() -> None:
    from components.core.config.base import validate

    with pytest.raises(ConfigError, match="must be different columns"):
        validate(event_table.Options, {"event_text": "event_type"}, "here")


def test_a_stage_of_own_sequences(tmp_path: Path, data_folder: Path) -> None:
    del data_folder
    happened = [row for row in events(8) if row["stay_id"] != "s5"]
    happened += [row | {"stay_id": "s7", "event_text": str(i)} for i in range(30_000)
                 for row in happened[7:8]]  # fmt: skip
    options = write_rows(tmp_path, stays(8), happened, ".parquet")
    config = ingest_config("event_table", tmp_path, options | {"max_bad_rows": 1},
                           max_reject_rate=0.2)  # fmt: skip
    for row in happened:
        row.pop("patient_id")
    write_rows(tmp_path, stays(8), happened, ".parquet")
    stage = ingested(config)
    assert rejects_of(stage)[["code", "row"]].to_numpy().tolist() == [["no_event", 7]]
    frame = manifest_of(stage).set_index("sample_id")
    assert frame.loc["s7", "event_count"] == 30_003
    assert stage.counts["events"] == 30_021
    assert (stage.folder / "flow.json").is_file()
    assert source("event_table").NAME == "event_table"
