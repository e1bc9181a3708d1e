"""Killed between two writes, and two at once: processes that are really started and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.promote.cohorts import LENIENT, MODEL
from tests.promote.conftest import Registry
from tests.promote.test_rollback import promoted

# Runs the command; the process kills itself right after the write that its first argument counts.
CHILD = """
import os, signal, sys
from components.core import aliases
writes = 0
def killing(write):
    def counted(*given):
        global writes
        write(*given)
        writes += 1
        if writes == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
    return counted
for name in ("point", "drop", "set_tags"):
    setattr(aliases, name, killing(getattr(aliases, name)))
from components.promote.cli import main
main(sys.argv[2:])
"""


def start(registry: Registry, *options: str, after: int = 0) -> subprocess.Popen[str]:
    """Start the command in a process of its own, to be killed after some writes (0: never)."""
    environment = {**os.environ, **registry.environment, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(after), "--model", MODEL, *options],
        cwd=registry.folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def killed(registry: Registry, *options: str, after: int) -> None:
    child = start(registry, *options, after=after)
    said, _ = child.communicate(timeout=120)
    assert child.returncode == -signal.SIGKILL, said


def test_a_promotion_killed_between_its_writes(registry: Registry) -> None:
    # The old champion stays in use until the new one is; each later start completes it.
    promoted(registry, "weak")
    options = ("--version", "2", "--set", LENIENT)
    killed(registry, *options, after=2)  # @previous has moved, @champion has not
    assert registry.aliases() == {"champion": "weak", "previous": "weak"}
    assert registry.tags("strong")["gate"] == "promoting"
    back = registry.command(model=MODEL, rollback="true")
    assert back.exit_code == 2  # version 1 replaced nothing
    assert "version 1 replaced nothing" in back.output
    killed(registry, *options, after=3)  # @champion has moved, its outcome is not recorded
    assert registry.aliases() == {"champion": "strong", "previous": "weak"}
    assert registry.tags("strong")["gate"] == "promoting"
    assert registry.promote("strong", dry_run="true").exit_code == 0
    assert registry.tags("strong")["gate"] == "promoting"
    done = registry.promote("strong")
    assert done.exit_code == 0, done.output
    assert "toy_head version 2 became champion before, and only its record was" in done.output
    assert registry.tags("strong")["gate"] == "promoted"
    assert registry.aliases() == {"champion": "strong", "previous": "weak"}


# Marked as being restored; the one that is left; @champion; @previous; the mark taken off.
ROLLBACK = [
    (1, {"champion": "twin", "previous": "strong"}, "restoring"),
    (2, {"champion": "twin", "previous": "strong"}, "restoring"),
    (3, {"champion": "strong", "previous": "strong"}, "restoring"),
    (4, {"champion": "strong", "previous": "weak"}, "restoring"),
    (5, {"champion": "strong", "previous": "weak"}, "promoted"),
]


@pytest.mark.parametrize(("after", "left", "mark"), ROLLBACK)
def test_a_rollback_killed_between_its_writes(
    registry: Registry, after: int, left: dict[str, str], mark: str
) -> None:
    promoted(registry, "weak", "strong", "twin")
    killed(registry, "--rollback", "true", after=after)
    assert registry.aliases() == left
    assert registry.tags("strong")["gate"] == mark
    if mark == "restoring":
        done = registry.command(model=MODEL, rollback="true")
        assert done.exit_code == 0, done.output
        assert "toy_head version 2 is champion again" in done.output
        assert "@previous is version 1" in done.output
    assert registry.aliases() == {"champion": "strong", "previous": "weak"}
    assert (registry.tags("strong")["gate"], registry.tags("twin")["gate"]) == (
        "promoted", "rolled back",
    )  # fmt: skip


def test_a_rollback_to_the_first_champion_killed_before_its_last_write(registry: Registry) -> None:
    promoted(registry, "weak", "strong")
    killed(registry, "--rollback", "true", after=4)
    assert registry.aliases() == {"champion": "weak"}
    done = registry.command(model=MODEL, rollback="true")
    assert done.exit_code == 0, done.output
    assert "toy_head version 1 is champion again; @previous is nothing" in done.output
    assert registry.aliases() == {"champion": "weak"}
    assert registry.tags("weak")["gate"] == "promoted"


def test_two_promotions_at_once(registry: Registry) -> None:
    settings = f"{LENIENT} first_champion.margin=0.5 subgroups.floor=0.1"
    both = [start(registry, "--version", n, "--set", settings) for n in ("2", "3")]
    said = [child.communicate(timeout=120)[0] for child in both]
    # Whoever comes first is the first champion; the other is judged against it, and is no better.
    assert sorted(child.returncode for child in both) == [0, 3], said
    outcomes = {n: registry.tags(n)["gate"] for n in ("strong", "twin")}
    winner = next(n for n, outcome in outcomes.items() if outcome == "promoted")
    loser = next(n for n, outcome in outcomes.items() if outcome == "refused")
    assert registry.aliases() == {"champion": winner}
    assert registry.tags(winner)["gate.champion"] == "none"
    assert registry.tags(loser)["gate.champion"] == registry.versions[winner].number
