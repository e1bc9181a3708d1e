"""The SQLite store under several processes: nothing collides, nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from components.core import runs
from tests.conftest import Workplace

ROOT = Path(__file__).resolve().parents[2]
# Processes forked after the imports and before the first connection, a tenth of a second apart.
FORKS = """
import os, sys, time, traceback
import mlflow
from mlflow.store.tracking import sqlalchemy_store
from components.core import runs

{work}

children = []
for number in range({count}):
    child = os.fork()
    if child:
        children.append(child)
        time.sleep({apart})
        continue
    try:
        work(number)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
sys.exit(sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""
FIRST = """
def work(number):
    sys.stdout.write(runs.experiment_id("toy") + " ")
    sys.stdout.flush()
"""
LOG = """
def work(number):
    with runs.open_run("toy", f"worker {number}", {"number": number}) as recorder:
        for step in range(3):
            recorder.metrics({f"m{i}": float(step) for i in range(20)}, step=step)
        recorder.params({f"p{i}": number for i in range(20)})
"""


def forked(work: str, *, count: int, apart: float) -> str:
    """Run `work(number)` in `count` processes at once and return what they printed."""
    code = FORKS.replace("{work}", work).replace("{count}", str(count))
    done = subprocess.run(
        [sys.executable, "-c", code.replace("{apart}", str(apart))],
        cwd=ROOT, text=True, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_first_users_of_a_fresh_store_do_not_collide(
    workspace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = workspace.folder / "fresh" / "mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file}")
    # The first one's migration takes seconds: the second one comes in its middle.
    ids = forked(FIRST, count=3, apart=0.1).split()
    assert len(ids) == 3
    assert len(set(ids)) == 1


def test_eight_processes_lose_nothing(workspace: Workplace) -> None:
    forked(LOG, count=8, apart=0.0)
    client = runs.connect()
    found = client.search_runs([runs.experiment_id("toy")])
    assert sorted(run.data.tags["number"] for run in found) == [str(i) for i in range(8)]
    for run in found:
        assert run.info.status == "FINISHED"
        assert set(run.data.params) == {f"p{i}" for i in range(20)}
        for i in range(20):
            history = mlflow.MlflowClient().get_metric_history(run.info.run_id, f"m{i}")
            assert sorted(m.value for m in history) == [0.0, 1.0, 2.0]
