"""The exception tree, its drawing, and the words it lends to every message."""

from __future__ import annotations

import pickle

import pytest

from components.core import errors
from components.core.errors import CardioError, RecordError, close, nearest, quoted, shorten


def _kinds(base: type[CardioError]) -> list[type[CardioError]]:
    return [base, *(k for sub in base.__subclasses__() for k in _kinds(sub))]


@pytest.mark.parametrize("kind", _kinds(CardioError), ids=lambda k: k.__name__)
def test_every_kind_is_in_the_drawing_under_its_exit_status(kind: type[CardioError]) -> None:
    drawn = (errors.__doc__ or "").splitlines()
    lines = [line for line in drawn if kind.__name__ in line]
    assert len(lines) == 1
    if "exit" in lines[0]:
        assert f"exit {kind.exit_status}" in lines[0]


def test_a_record_error_survives_a_trip_to_another_process() -> None:
    error = RecordError("code", "reason", field="f", value="v" * 200, advice="do it")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert vars(again) == vars(error)
    assert str(again) == "reason; do it"
    assert len(again.value) == 60


def test_without_advice_the_reason_stands_alone() -> None:
    assert str(RecordError("code", "reason")) == "reason"


@pytest.mark.parametrize(
    ("value", "text"), [("a\nb\t c ", "a b c"), (None, "None"), ("x" * 11, "x" * 9 + "…")]
)
def test_shorten_gives_one_short_line(value: object, text: str) -> None:
    assert shorten(value, 10) == text


def test_nearest_names_one_or_lists_all() -> None:
    assert nearest("widht", ["depth", "width"]) == "did you mean 'width'?"
    assert nearest("zzz", ["depth", "width"]) == "known are: depth, width"
    assert close("widht", ["depth", "width"]) == "width"
    assert close("zzz", ["depth", "width"]) == ""


@pytest.mark.parametrize(
    "text",
    ["7", "-1.5e-300", "-Infinity", "1,5", "1.2.3", "<0.5", "12 mg", "0x10", "?", "", "V9", "PLETH",
     "µV", "n/a", "31/05"],
)  # fmt: skip
def test_numbers_labels_and_units_are_quoted(text: str) -> None:
    assert quoted(text) == text


@pytest.mark.parametrize(
    "text",
    ["QUILLFEATHRY", "Dr. Oyelaran", "MRN00012345", "SNX77 12345", "03-14-1931", "14.03.1931",
     "1931/03/14", "张伟", "9" * 40, "a 1 " * 10, "sinus rhythm"],
)  # fmt: skip
def test_what_may_name_a_patient_is_not(text: str) -> None:
    assert quoted(text) == f"text of {len(text)} characters"


def test_a_date_is_quoted_where_a_time_belongs() -> None:
    assert quoted("31/05/2024", time=True) == "31/05/2024"
    assert quoted("QUILLFEATHRY", time=True) == "text of 12 characters"
