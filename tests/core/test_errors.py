"""The exception tree, its drawing, and the words it lends to every message."""

from __future__ import annotations

import pickle

import pytest

from components.core import errors
from components.core.errors import CardioError, RecordError, nearest, shorten


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
