"""Single cells: what is read, and how a wrong one is refused."""

from __future__ import annotations

from datetime import datetime

import pytest

from components.core import cells
from components.core.errors import RecordError


def test_blanks_and_the_usual_words_are_missing() -> None:
    for written in ("", "  ", "NA", "N/A", "nan", "NaN", "null", "None", "."):
        assert cells.text({"a": written}, "a") is None
        assert cells.number({"a": written}, "a") is None
    assert cells.text({"a": None}, "a") is None
    assert cells.text({}, "a") is None
    assert cells.text({"a": " x "}, "a") == "x"


def test_numbers() -> None:
    assert cells.number({"a": " -1.5e2"}, "a") == -150.0
    assert cells.number({"a": "60,24"}, "a", decimal=",") == 60.24


@pytest.mark.parametrize("written", ["1,5", "12 mg", "inf", "-Infinity", "1.2.3", "0x10", "?"])
def test_what_is_no_finite_number_is_refused(written: str) -> None:
    with pytest.raises(RecordError, match="the column 'a' holds no number") as caught:
        cells.number({"a": written}, "a")
    error = caught.value
    assert (error.code, error.field, error.value) == ("not_a_number", "a", written)


def test_labels() -> None:
    found = [cells.label({"y": w}, "y") for w in ("0", "1", "1.0", "", "NA")]
    assert found == [0, 1, 1, None, None]
    assert cells.label({"y": "1,0"}, "y", decimal=",") == 1


@pytest.mark.parametrize("written", ["2", "-1", "0.5"])
def test_a_label_that_is_neither_0_nor_1_is_refused(written: str) -> None:
    with pytest.raises(RecordError, match="the label in 'y' is neither 0 nor 1") as caught:
        cells.label({"y": written}, "y")
    error = caught.value
    assert (error.code, error.field, error.value) == ("label_not_binary", "y", written)


def test_times() -> None:
    assert cells.moment({"t": "2024-05-31"}, "t") == datetime(2024, 5, 31)  # noqa: DTZ001
    zoned = cells.moment({"t": "2024-05-31T10:15:00+02:00"}, "t")
    assert zoned == datetime(2024, 5, 31, 8, 15)  # noqa: DTZ001
    assert cells.moment({"t": ""}, "t") is None


@pytest.mark.parametrize("written", ["31/05/2024", "2024-13-01", "yesterday"])
def test_an_unreadable_time_is_refused(written: str) -> None:
    with pytest.raises(RecordError, match="the column 't' holds no ISO 8601 time") as caught:
        cells.moment({"t": written}, "t")
    assert caught.value.code == "not_a_time"


def test_a_future_time_is_refused() -> None:
    with pytest.raises(RecordError, match="the time in 't' lies in the future") as caught:
        cells.moment({"t": "2199-01-01"}, "t")
    assert (caught.value.code, caught.value.value) == ("future_time", "2199-01-01")


def test_splits() -> None:
    assert [cells.split({"s": w}, "s") for w in ("train", "val", "test", "")] == [
        "train", "val", "test", None,
    ]  # fmt: skip
    with pytest.raises(RecordError, match=r"the column 's' names no split.*train, val, test"):
        cells.split({"s": "training"}, "s")


def test_a_required_cell() -> None:
    assert cells.required({"p": "7"}, "p") == "7"
    with pytest.raises(RecordError, match="the column 'p' is empty") as caught:
        cells.required({"p": " "}, "p")
    assert caught.value.code == "missing_value"


def test_features_take_their_declared_kind() -> None:
    row = {"age": "61", "sex": "F", "dose": ""}
    found = cells.features(row, {"age": "numeric", "sex": "categorical", "dose": "numeric"})
    assert found == {"age": 61.0, "sex": "F", "dose": None}


def test_a_repeated_id_is_refused() -> None:
    seen: dict[str, int] = {}
    cells.unique("a", 2, seen, field="id")
    cells.unique("b", 3, seen, field="id")
    with pytest.raises(RecordError, match="the id stands in row 2 already") as caught:
        cells.unique("a", 4, seen, field="id")
    assert caught.value.code == "duplicate_id"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("2020-06-01T09:00", "2020-06-01T08:00", ("2020-06-01T09:00", "2020-06-01T08:00")),
        ("2020-06-01T09+02:00", "2020-06-01T09+01:00", ("2020-06-01T07:00", "2020-06-01T08:00")),
        ("2020-06-01T09:00Z", "", ("2020-06-01T09:00", None)),
        ("2020-06-01", "2020-06-01T00:30+02:00", ("2020-06-01", "2020-06-01T00:30")),
        ("", "", (None, None)),
    ],
)  # fmt: skip
def test_times_of_a_row_are_made_comparable(
    first: str, second: str, expected: tuple[str | None, str | None]
) -> None:
    found = cells.moments({"a": first, "b": second}, "a", "b")
    assert found == tuple(None if e is None else datetime.fromisoformat(e) for e in expected)


def test_times_with_and_without_zone_are_not_compared() -> None:
    row = {"a": "2020-06-01T09:00", "b": "2020-06-01T09:00+02:00"}
    with pytest.raises(RecordError, match="of a and b only b has a time zone; give all times"):
        cells.moments(row, "a", "b")
