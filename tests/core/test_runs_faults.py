"""The SQLite store under several processes: nothing collides, nothing is lost."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import pytest

from components.core import runs
from tests.conftest import Workplace

ROOT = Path(__file__).resolve().parents[2]
FIRST = "from components.core import runs; print(runs.experiment_id('toy'))"
# Eight processes forked after the imports and before the first connection.
LOG = """
import os, sys, traceback
import mlflow
from components.core import runs

def log(number):
    with runs.open_run("toy", f"worker {number}", {"number": number}) as recorder:
        for step in range(3):
            recorder.metrics({f"m{i}": float(step) for i in range(20)}, step=step)
        recorder.params({f"p{i}": number for i in range(20)})

children = []
for number in range(8):
    child = os.fork()
    if child:
        children.append(child)
        continue
    try:
        log(number)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
sys.exit(sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


@contextmanager
def started(code: str, *argv: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *argv], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_two_first_users_of_a_fresh_store_do_not_collide(
    workspace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = workspace.folder / "fresh" / "mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file}")
    with started(FIRST) as one:
        end = time.monotonic() + 30
        while not (file.exists() and file.stat().st_size) and time.monotonic() < end:
            time.sleep(0.005)  # the second one comes in the middle of the first one's migration
        with started(FIRST) as two:
            outputs = [each.communicate(timeout=60) for each in (one, two)]
            assert [each.returncode for each in (one, two)] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0]


def test_eight_processes_lose_nothing(workspace: Workplace) -> None:
    with started(LOG) as process:
        _, errors = process.communicate(timeout=90)
    assert process.returncode == 0, errors
    client = runs.connect()
    found = client.search_runs([runs.experiment_id("toy")])
    assert sorted(run.data.tags["number"] for run in found) == [str(i) for i in range(8)]
    for run in found:
        assert run.info.status == "FINISHED"
        assert set(run.data.params) == {f"p{i}" for i in range(20)}
        for i in range(20):
            history = mlflow.MlflowClient().get_metric_history(run.info.run_id, f"m{i}")
            assert sorted(m.value for m in history) == [0.0, 1.0, 2.0]
