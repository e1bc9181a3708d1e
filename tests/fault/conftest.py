"""Processes that can be killed, and folders that fill up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from components.core.store import STAGE_FILE, Stage

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Path]:
    """Choose the folder of all stages by name and return it."""

    def choose(name: str) -> Path:
        monkeypatch.setenv("CARDIO_DATA", str(tmp_path / name))
        return tmp_path / name

    return choose


Kill = Callable[..., list[psutil.Process]]


@pytest.fixture
def killed() -> Iterator[Kill]:
    """Start a stage in another process and send it a signal as soon as `ready` holds."""
    started: list[subprocess.Popen[bytes]] = []

    def run(
        name: str,
        settings: dict[str, Any],
        ready: Callable[[], bool],
        by: signal.Signals = signal.SIGKILL,
    ) -> Any:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fault.child", name, json.dumps(settings)],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        started.append(process)
        end = time.monotonic() + PATIENCE_SECONDS
        while not ready():
            assert process.poll() is None, "the stage ended before it could be killed"
            assert time.monotonic() < end, "the stage never came that far"
            time.sleep(0.02)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(by)
        # SIGTERM, which batch systems send, is taken for the keyboard's SIGINT.
        assert process.wait(10) == -(signal.SIGKILL if by == signal.SIGKILL else signal.SIGINT)
        return workers

    yield run
    for process in started:
        process.kill()
        process.wait(10)


def files_of(stage: Stage) -> dict[str, Any]:
    """Return name → hash and size of every file of a stage."""
    return json.loads((stage.folder / STAGE_FILE).read_text())["files"]


def places_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Return name → (inode, time of writing) of the files in a folder."""
    found: dict[str, tuple[int, int]] = {}
    for file in sorted(folder.glob("[0-9]*")):
        status = file.stat()
        found[file.name] = (status.st_ino, status.st_mtime_ns)
    return found


def only_the_stage(stage: Stage) -> bool:
    """Return whether no temporary folder and no lock is left beside the stage."""
    return [p.name for p in stage.folder.parent.iterdir()] == [stage.fingerprint]
