"""Times to event in the layouts that survival data come in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.config.base import validate
from components.core.errors import ConfigError, InputError, RecordError
from components.ingest.records import Record, Reject
from components.ingest.sources import manifest, table
from components.ingest.sources.survival import (
    WIDE,
    SurvivalColumns,
    Times,
    WideSeen,
    read_times,
)

WITH_LAST = SurvivalColumns(wide=True, last_followup="last_followup_days")
WITHOUT = SurvivalColumns(wide=True)
HEADER = f"patient_id,{','.join(WIDE)}"


def wide(cells: str, last: str | None = None) -> Times:
    row: dict[str, str | None] = dict(zip(WIDE, cells.split(","), strict=True))
    if last is None:
        return read_times(row, WITHOUT, WideSeen())
    return read_times({**row, "last_followup_days": last}, WITH_LAST, WideSeen())


def from_manifest(folder: Path, text: str, **options: Any) -> list[Record | Reject]:
    (folder / "manifest.csv").write_text(text)
    return list(manifest.read(folder, manifest.Options.model_validate(options)))


@pytest.mark.parametrize(
    ("cells", "last", "times"),
    [
        ("1,1,1,1", None, Times(event=30, followup=30)),
        ("0,0,1,1", None, Times(event=182, followup=182)),
        ("0,1,,", None, Times(event=91, followup=91)),
        ("0,0,0,1", "400", Times(event=365, followup=400)),
        ("0,0,,", None, Times(followup=91)),
        (",0,,", None, Times(followup=91)),  # no event by 3 months is none by 30 days
        ("0,0,0,0", None, Times(followup=365)),
        ("0,0,0,0", "140", Times(followup=140)),  # the zeros after day 140 say nothing
        (",,,", None, Times()),
        (",,,", "12", Times(followup=12)),
    ],
)
def test_wide(cells: str, last: str | None, times: Times) -> None:
    assert wide(cells, last) == times


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("0,1,0,0", "'event_3mo' has the event and 'event_6mo' has not"),
        ("1,,0,", "'event_immediate' has the event and 'event_6mo' has not"),
        ("0,,1,1", "'event_6mo' has the event and 'event_3mo' is empty"),
    ],
)
def test_an_event_is_not_taken_back(cells: str, reason: str) -> None:
    with pytest.raises(RecordError, match=f"{reason}; each column says whether") as caught:
        wide(cells)
    assert (caught.value.code, caught.value.field) == ("not_monotone", "event_6mo")


@given(st.lists(st.sampled_from(["0", "1", ""]), min_size=4, max_size=4))
def test_wide_agrees_with_trying_every_day(cells: list[str]) -> None:
    """Each status row is what some event day in (0, inf) and last visit would have shown, or not.

    The oracle tries one event day inside each interval and every number of intervals followed.
    """
    ends = list(WIDE.values())
    possible: set[float | None] = set()
    for day in (10.0, 60.0, 120.0, 300.0, None):
        shown = ["1" if day is not None and day <= end else "0" for end in ends]
        if all(cell in ("", own) for cell, own in zip(cells, shown, strict=True)):
            possible.add(day)
    known = [(end, cell) for end, cell in zip(ends, cells, strict=True) if cell]
    try:
        found = wide(",".join(cells))
    except RecordError:
        # Refused: impossible, or the interval of the event is not known.
        assert not possible or (len(possible) > 1 and "1" in cells)
        return
    assert possible
    if found.event is not None:
        (day,) = possible
        assert day is not None
        assert found.event == min(end for end in ends if end >= day)
    else:
        assert None in possible
        assert found.followup == max((end for end, _ in known), default=None)


def test_an_event_after_the_last_contact_is_refused() -> None:
    with pytest.raises(RecordError, match="'event_12mo' dates the event after the last contact"):
        wide("0,0,0,1", "100")
    assert wide("0,1,1,1", "60") == Times(event=91, followup=60)


def test_no_last_contact_beside_zeros_is_refused() -> None:
    with pytest.raises(RecordError, match="no event and no last_followup_days; fill it in: a zero"):
        wide("0,0,0,0", "")


def test_zeros_alone_cannot_say_censored(tmp_path: Path) -> None:
    rows = "a,0,0,0,0\nb,0,1,1,1\n"
    with pytest.raises(InputError, match=r"has 5 zeros .* cannot say 'censored before then'; add"):
        from_manifest(tmp_path, f"{HEADER}\n{rows}")
    file = tmp_path / "manifest.csv"
    with pytest.raises(InputError, match="no column last_followup_days"):
        list(table.read(file, table.Options(event_by=True, tabular={"event_3mo": "numeric"})))
    assert len(from_manifest(tmp_path, f"{HEADER}\n{rows}c,0,0,,\n")) == 3
    with_last = "".join(f"{row},400\n" for row in rows.split())
    assert len(from_manifest(tmp_path, f"{HEADER},last_followup_days\n{with_last}")) == 2


def test_long(tmp_path: Path) -> None:
    text = "patient_id,time_days,event\na,10,1\nb,20,0\nc,30,2\nd,,\n"
    found = from_manifest(tmp_path, text)
    times = [
        (r.event_time_days, r.followup_days, r.death_days) for r in found if isinstance(r, Record)
    ]
    assert times == [(10, 10, None), (None, 20, None), (None, 30, 30), (None, None, None)]
    renamed = from_manifest(tmp_path, text.replace("event", "status"), event="status")
    assert renamed == found
    options = table.Options(
        time_days="time_days", event="event", tabular={"x": "numeric"}, decimal=","
    )
    file = tmp_path / "t.csv"
    file.write_text(text.replace(",", ";").replace("10", "10,5"))
    read = list(table.read(file, options.model_copy(update={"separator": ";", "tabular": {}})))
    assert [(r.event_time_days, r.death_days) for r in read if isinstance(r, Record)] == [
        (10.5, None), (None, None), (None, 30), (None, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "code", "field", "value"),
    [
        ("a,10,3", "event_code_unknown", "event", "3"),
        ("a,10,", "missing_value", "event", ""),
        ("a,,1", "missing_value", "time_days", ""),
        ("a,-3,1", "event_before_index", "time_days", "-3"),
        ("a,soon,1", "not_a_number", "time_days", "soon"),
    ],
)
def test_a_wrong_long_row(tmp_path: Path, row: str, code: str, field: str, value: str) -> None:
    found = from_manifest(tmp_path, f"patient_id,time_days,event\n{row}\nb,20,0\n")
    assert isinstance(found[0], Reject)
    assert (found[0].code, found[0].field, found[0].value) == (code, field, value)
    assert isinstance(found[1], Record)


@pytest.mark.parametrize("column", ["event_time_days", "followup_days", "death_days"])
def test_nothing_happens_before_the_index_date(tmp_path: Path, column: str) -> None:
    (reject,) = from_manifest(tmp_path, f"patient_id,label,{column}\na,,-1\n")
    assert isinstance(reject, Reject)
    assert (reject.code, reject.field, reject.value) == ("event_before_index", column, "-1")
    assert "write 1 into the column prevalent" in reject.advice


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("time_days,event,event_time_days", r"twice \(time_days, event and event_time_days\)"),
        (f"{','.join(WIDE)},followup_days", "gives times to event twice"),
        ("event_3mo", r"lacks the column\(s\) event_immediate, event_6mo, event_12mo"),
    ],
)
def test_two_layouts_at_once(tmp_path: Path, header: str, sentence: str) -> None:
    cells = "," * header.count(",")
    with pytest.raises(InputError, match=sentence):
        from_manifest(tmp_path, f"patient_id,label,{header}\na,1,{cells}\n")


def test_an_event_column_without_its_time(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lacks the column\(s\) time_days"):
        from_manifest(tmp_path, "patient_id,label,status\na,1,1\n", event="status")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"event": "e"}, "event says what happened at time_days; name that column"),
        ({"event_by": True, "followup_days": "f"}, "event_by stands in place of all other times"),
        ({}, "name the column 'label', or 'measurements' .* or times to event"),
    ],
)
def test_wrong_options_of_a_table(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        validate(table.Options, {"tabular": {"x": "numeric"}, **options}, "here")
