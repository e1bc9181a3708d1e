"""`--help` answers at once: nothing heavy is imported to print it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from tests.contract.test_mlproject import ENTRIES, command_of, options_of

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    [
        "pipelines",
        "pipelines.tune",
        "components.train.tuning",
        *(f"components.{f.parent.name}" for f in ROOT.glob("components/*/__main__.py")),
    ]
)
# The promise is one second; half a second more is left for a machine that runs other tests beside.
LIMIT_S = 1.5
HEAVY = {"torch", "mlflow", "lightning", "pandas", "sklearn", "transformers", "scipy"}
each_module = pytest.mark.parametrize("module", MODULES)


@each_module
def test_help_answers_in_about_a_second(module: str) -> None:
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", module, "--help"],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        taken.append(time.perf_counter() - began)
        assert done.stdout.startswith("Usage: ")
        if taken[-1] < LIMIT_S:
            break
    assert min(taken) < LIMIT_S


@each_module
def test_help_imports_nothing_heavy(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", module, "--help"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    imported = {m.strip().split(".")[0] for m in re.findall(r"\|\s+(\S+)$", done.stderr, re.M)}
    assert "click" in imported
    assert imported & HEAVY == set()


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_every_command_and_option_says_what_it_is(name: str) -> None:
    command = command_of(name)
    assert isinstance(command, click.Command)
    assert command.help
    assert [flag for flag, option in options_of(name).items() if not option.help] == []
