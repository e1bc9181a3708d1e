"""Progress of long work with rate and time left: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

# Between two plain lines; a log of a minutes-long stage stays readable.
_LINE_SECONDS = 10.0
Advance = Callable[[int], None]


@contextmanager
def progress(what: str, total: int, unit: str) -> Generator[Advance]:
    """Show progress of `total` units; call what is yielded with the number just finished."""
    if sys.stderr.isatty():
        yield from _bar(what, total, unit)
    else:
        lines = _Lines(what, total, unit)
        yield lines.advance
        lines.finish()


def _bar(what: str, total: int, unit: str) -> Generator[Advance]:
    from rich import progress as rich_progress
    from rich.console import Console

    columns = (
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TextColumn("{task.fields[rate]}"),
        rich_progress.TimeRemainingColumn(),
    )
    with rich_progress.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total, rate="")

        def advance(done: int) -> None:
            bar.advance(task, done)
            bar.update(task, rate=f"{bar.tasks[task].speed or 0:,.0f} {unit}/s")

        yield advance


class _Lines:
    """Plain progress lines on standard error."""

    def __init__(self, what: str, total: int, unit: str) -> None:
        self._what, self._total, self._unit = what, total, unit
        self._done = 0
        self._start = self._last = time.monotonic()

    def advance(self, done: int) -> None:
        self._done += done
        now = time.monotonic()
        if now - self._last >= _LINE_SECONDS:
            self._last = now
            self._print(now)

    def finish(self) -> None:
        self._print(time.monotonic())

    def _print(self, now: float) -> None:
        rate = self._done / max(now - self._start, 1e-9)
        left = (self._total - self._done) / rate if rate else 0.0
        text = f"{self._what}: {self._done}/{self._total} {self._unit}, {rate:,.0f}/s"
        tail = f", {duration(left)} left" if self._done < self._total else ""
        sys.stderr.write(f"{text}{tail}\n")
        sys.stderr.flush()


def duration(seconds: float) -> str:
    """Return seconds as m:ss or h:mm:ss.

    >>> duration(75)
    '1:15'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def say(text: str) -> None:
    """Print one line for people on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
