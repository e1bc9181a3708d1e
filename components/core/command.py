"""What every component's command line shares: options, error messages, exit statuses."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from components.core.errors import CardioError, ConfigError, shorten
from components.core.progress import say

# Before torch loads OpenMP: threads that spin at a barrier starve each other as soon as anything
# else runs on the machine (measured: 4 training steps in 10 s instead of 250); waiting asleep costs
# nothing on a quiet one.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

F = TypeVar("F", bound=Callable[..., Any])


def task_options(function: F) -> F:
    """Add `--task --config --set --debug`, the same for every component."""
    options = [
        click.option("--task", default="ctrcd", show_default=True, help="Task in pipelines/."),
        click.option("--config", default="", help="A task file given whole, instead of --task."),
        click.option("--set", "overrides", default="", help="e.g. 'fit.lr=3e-4 model.width=64'."),
        click.option(
            "--debug", is_flag=True, help="Show an error's traceback, which may quote data."
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def yes_or_no(name: str, value: str) -> bool:
    """Return a switch that MLproject hands on as text.

    Raises:
        ConfigError: it is neither `true` nor `false`.
    """
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ConfigError(f"'{name}' is '{shorten(value)}'; write true or false")


@contextmanager
def reported_errors(*, debug: bool) -> Generator[None]:
    """Turn an error into one sentence and its exit status (2 user, 3 refusal, 1 fault)."""
    try:
        yield
    except CardioError as error:
        _tag_launcher(error)
        _tell(str(error), debug=debug)
        raise SystemExit(error.exit_status) from error
    except KeyboardInterrupt as error:
        _tell("stopped by a signal; start again and it goes on from here", debug=False)
        raise SystemExit(130) from error
    except Exception as error:
        # Not its message: that is foreign, and may quote a patient's data.
        _tell(
            f"fault: {type(error).__name__} at {_place(error)}; run again with --debug for the "
            "message and the traceback (they may quote data)",
            debug=debug,
        )
        raise SystemExit(1) from error


def _place(error: Exception) -> str:
    """Return file and line of this project's own code in which the error arose."""
    root = Path(__file__).resolve().parents[2]
    own = [
        f"{Path(frame.filename).relative_to(root).as_posix()}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(root) and "site-packages" not in frame.filename
    ]
    return own[-1]


def _tell(sentence: str, *, debug: bool) -> None:
    if debug:
        traceback.print_exc(file=sys.stderr)
    say(f"error: {sentence}")


def _tag_launcher(error: CardioError) -> None:
    from components.core.runs import mark_failed_launch

    mark_failed_launch(error)
