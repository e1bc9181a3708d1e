"""Progress in plain lines and on a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from components.core import progress as progress_module
from components.core.progress import duration, progress, say


def test_plain_lines_give_rate_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 5.0, 11.0, 12.0, 20.0])
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: next(clock))
    with progress("ingest", 100, "records") as advance:
        advance(10)  # after 5 s: too soon for a line
        advance(45)  # after 11 s
        advance(45)  # after 12 s: too soon again
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "ingest: 55/100 records, 5/s, 0:09 left",
        "ingest: 100/100 records, 5/s",
    ]


def test_nothing_done_has_no_rate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 2.0])
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: next(clock))
    with progress("ingest", 100, "records"):
        pass
    assert capsys.readouterr().err == "ingest: 0/100 records, 0/s, 0:00 left\n"


def test_an_error_inside_passes_without_a_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="stop"), progress("ingest", 100, "records"):
        raise ValueError("stop")
    assert capsys.readouterr().err == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with progress("ingest", 4, "records") as advance:
        advance(3)
        advance(1)
    assert "ingest" in screen.getvalue()
    assert "4/4" in screen.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3661, "1:01:01")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_say_writes_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    say("a line")
    assert capsys.readouterr() == ("", "a line\n")
