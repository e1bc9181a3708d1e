"""The whole pipeline, run as a user runs it: processes, one workplace, nothing shared."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = (
    "ingest.options.synthetic.patients=400 preprocess.split.method=holdout evaluate.draws=200 "
    "fit.epochs=2 fit.seeds=[0] model.width=8 model.depth=2"
)
# One process needs a minute on one free core; a busy machine may take some more.
PATIENCE_SECONDS = 500


@dataclass
class Place:
    """A workplace and what was said in it.

    Attributes:
        folder: working directory; artifacts go under its `mlruns/`.
        logs: everything that any process wrote to its terminal.
    """

    folder: Path
    logs: list[str] = field(default_factory=list)

    @property
    def data(self) -> Path:
        """Return the folder of all stages."""
        return self.folder / "data"

    @property
    def uri(self) -> str:
        """Return the tracking store."""
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command of this environment here."""
        binaries = str(Path(sys.executable).parent)
        own = {
            "CARDIO_DATA": str(self.data),
            "MLFLOW_TRACKING_URI": self.uri,
            "PYTHONPATH": str(ROOT),
            "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1",
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
        return subprocess.Popen(
            command, cwd=self.folder, env=kept | own, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip

    def finish(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        """Wait for a command; return its exit status and what it said."""
        said, _ = process.communicate(timeout=PATIENCE_SECONDS)
        self.logs.append(said)
        return process.returncode, said

    def run(self, *command: str) -> tuple[int, str]:
        """Start a command and wait for it."""
        return self.finish(self.start(*command))


@dataclass
class Walked:
    """Three ways through the pipeline, one after two others at once.

    Attributes:
        place: where.
        at_once: exit status and words of two processes started together.
        launched: of `mlflow run`, with another seed of the bootstrap.
        again: of the same settings once more.
    """

    place: Place
    at_once: list[tuple[int, str]]
    launched: tuple[int, str]
    again: tuple[int, str]


def pipeline(*arguments: str) -> tuple[str, ...]:
    """Return the command of the pipeline."""
    return (sys.executable, "-m", "pipelines", *arguments)


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory, migrated_store: Path) -> Walked:
    """Walk once, also when several processes share the tests between them."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "e2e"
    with folder.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = folder / "said.json"
        if not said.exists():
            folder.mkdir()
            shutil.copyfile(migrated_store, folder / "mlflow.db")
            said.write_text(json.dumps(_walk(Place(folder))))
    told: list[tuple[int, str]] = [(status, text) for status, text in json.loads(said.read_text())]
    place = Place(folder, logs=[text for _, text in told])
    return Walked(place, at_once=told[:2], launched=told[2], again=told[3])


def _walk(place: Place) -> list[tuple[int, str]]:
    both = [place.start(*pipeline("--set", SETTINGS)) for _ in range(2)]
    told = [place.finish(process) for process in both]
    other = f"{SETTINGS} evaluate.seed=1"
    told.append(
        place.run(
            "mlflow", "run", str(ROOT), "-e", "train_ctrcd", "--env-manager", "local",
            "-P", f"set={other}",
        )
    )  # fmt: skip
    told.append(place.run(*pipeline("--set", other)))
    return told


@pytest.fixture
def client(walked: Walked) -> Any:
    """A client of the tracking store of `walked`."""
    import mlflow

    return mlflow.MlflowClient(tracking_uri=walked.place.uri, registry_uri=walked.place.uri)
