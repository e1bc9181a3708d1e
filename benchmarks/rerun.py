"""The whole pipeline once more with nothing changed: every stage is found finished."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.harness.row import Comparison, Outcome, Row
from components.core.errors import CardioError

ROOT = Path(__file__).resolve().parents[1]
_EXECUTED = re.compile(r"stages executed: (.*)")
_NONE = "none, everything was found finished"
# A short training: what is timed is the second run, which trains nothing.
_SETTINGS = "fit.epochs=1 fit.seeds=[0] evaluate.draws=100 evaluate.baselines=[]"


def _surroundings(folder: Path) -> dict[str, str]:
    """Return the environment of an activated venv, with stages and runs in `folder` alone."""
    own = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": os.pathsep.join([own, os.environ.get("PATH", "")]),
        "CARDIO_DATA": str(folder / "data"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
    }


def _pipeline(folder: Path, size: int) -> str:
    """Run the entry point and return which stages it says it executed.

    Raises:
        CardioError: it failed.
    """
    settings = f"ingest.options.synthetic.patients={size} {_SETTINGS}"
    command = ["mlflow", "run", str(ROOT), "-e", "train_ctrcd", "--env-manager", "local",
               "-P", f"set={settings}"]  # fmt: skip
    done = subprocess.run(
        command, cwd=folder, env=_surroundings(folder), capture_output=True, text=True, check=False
    )
    found = _EXECUTED.search(done.stdout + done.stderr)
    if done.returncode or found is None:
        raise CardioError(f"the pipeline did not finish:\n{done.stdout}\n{done.stderr}")
    return found.group(1).strip()


def _prepare(folder: Path, size: int) -> None:
    # The store is made from here, so that artifacts go under this folder and not the project's.
    make = "import mlflow; c = mlflow.MlflowClient(); c.create_experiment('ctrcd')"
    command = [sys.executable, "-c", make]
    subprocess.run(command, cwd=folder, env=_surroundings(folder), check=True)
    _pipeline(folder, size)


def _ours(folder: Path, size: int) -> Outcome:
    """Run the pipeline a second time.

    Raises:
        CardioError: a stage was executed again.
    """
    start = time.perf_counter()
    executed = _pipeline(folder, size)
    seconds = time.perf_counter() - start
    if executed != _NONE:
        raise CardioError(f"a re-run with nothing changed executed stages: {executed}")
    return Outcome(seconds=seconds, units=1, facts={"stages executed:": executed})


ROW = Row(
    name="rerun",
    unit="run",
    sizes=(250, 1000, 4000),
    quick=(100, 120, 140),
    prepare=_prepare,
    work=lambda _: 1,
    sides={"ours": _ours},
    comparisons=(
        Comparison(
            work="re-run of the whole pipeline with nothing changed, {size} patients",
            ours="ours", limit_s=10,
        ),
    ),
    notes=(
        "`mlflow run . -e train_ctrcd --env-manager local` in an activated environment. The run "
        "before it, which executes every stage, is not timed.",
    ),
)  # fmt: skip
