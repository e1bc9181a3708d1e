"""Statements of the model card: by item, never empty."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field

from components.core.config.base import Frozen, validate
from components.core.config.card import NUMBERS, Statements
from components.core.config.task import load_task
from components.core.errors import ConfigError


class Holder(Frozen):
    card: Statements = Field(default_factory=dict[str, str])


def test_numbers_that_yaml_reads_as_such_are_items() -> None:
    assert validate(Holder, {"card": {17: "No.", "18a": "None."}}, "x").card == {
        "17": "No.", "18a": "None.",
    }  # fmt: skip
    assert {"1", "27c"} <= set(NUMBERS)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({"18g": "x"}, r"'18g' is no item of TRIPOD\+AI .* '18"),
        ({17: " "}, r"item 17 says nothing; leave it out"),
        ("text", r"'card' in x is 'text': Input should be a valid dictionary"),
    ],
)
def test_what_is_no_statement_is_refused(card: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        validate(Holder, {"card": card}, "x")


def test_a_task_takes_statements_from_file_and_command_line() -> None:
    task = load_task("ctrcd", overrides="card.18a='No funding.' card.17='Waived by the board.'")
    assert task.card == {"18a": "No funding.", "17": "Waived by the board."}
