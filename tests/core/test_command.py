"""Errors reach the terminal as one sentence with their exit status."""

from __future__ import annotations

import re

import click
import pytest
from click.testing import CliRunner

from components.core.command import reported_errors, task_options, yes_or_no
from components.core.errors import (
    CardioError,
    ConfigError,
    InputError,
    RecordError,
    RefusedError,
    StorageError,
    UserError,
)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CardioError("a fault of ours"), 1),
        (StorageError("the disk is full"), 1),
        (UserError("your turn"), 2),
        (ConfigError("a wrong key"), 2),
        (InputError("a wrong file"), 2),
        (RecordError("code", "a wrong record"), 2),
        (RefusedError("the audit says no"), 3),
    ],
)
def test_each_kind_has_its_exit_status_and_no_traceback(
    error: CardioError, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught, reported_errors(debug=False):
        raise error
    assert caught.value.code == status
    assert capsys.readouterr() == ("", f"error: {error}\n")


def test_a_fault_is_named_with_the_way_to_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught, reported_errors(debug=False):
        _ = [][1]  # type: ignore[var-annotated]
    assert caught.value.code == 1
    text = capsys.readouterr().err
    found = (
        r"error: fault: IndexError at tests/core/test_command.py:\d+; run again with --debug for"
    )
    assert re.match(found, text)
    assert "list index" not in text  # a foreign message may quote data
    assert "Traceback" not in text


@pytest.mark.parametrize("error", [InputError("a wrong file"), ValueError("odd")])
def test_debug_shows_the_traceback(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), reported_errors(debug=True):
        raise error
    text = capsys.readouterr().err
    assert text.startswith("Traceback (most recent call last)")
    assert str(error) in text
    assert text.splitlines()[-1].startswith("error: ")


def test_the_keyboard_says_that_the_work_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught, reported_errors(debug=True):
        raise KeyboardInterrupt
    assert caught.value.code == 130
    text = capsys.readouterr().err
    assert text == "error: stopped by a signal; start again and it goes on from here\n"


def test_no_error_changes_nothing() -> None:
    with reported_errors(debug=False):
        pass


def test_an_exit_status_of_the_command_itself_passes() -> None:
    with pytest.raises(SystemExit) as caught, reported_errors(debug=False):
        raise SystemExit(2)
    assert caught.value.code == 2


@click.command()
@task_options
def command(task: str, config: str, overrides: str, *, debug: bool) -> None:
    """Say what was given."""
    click.echo(f"{task}|{config}|{overrides}|{debug}")


def test_the_shared_options_and_their_defaults() -> None:
    assert CliRunner().invoke(command, []).output == "ctrcd|||False\n"
    given = ["--task", "lvef", "--config", "a b.yaml", "--set", "fit.lr=3e-4 x='y z'", "--debug"]
    assert CliRunner().invoke(command, given).output == "lvef|a b.yaml|fit.lr=3e-4 x='y z'|True\n"


def test_a_wrong_option_names_the_right_one() -> None:
    result = CliRunner().invoke(command, ["--conifg", "x"])
    assert result.exit_code == 2
    assert "No such option" in result.output
    assert "--config" in result.output


def test_help_lists_the_options_in_order() -> None:
    text = CliRunner().invoke(command, ["--help"]).output
    assert text.index("--task") < text.index("--config") < text.index("--set")


def test_a_switch_is_true_or_false() -> None:
    assert [yes_or_no("inspect", word) for word in ("true", "True", "false")] == [True, True, False]
    with pytest.raises(ConfigError, match="'inspect' is 'yes'; write true or false"):
        yes_or_no("inspect", "yes")
