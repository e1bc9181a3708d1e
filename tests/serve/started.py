"""A service as people start it: versions of a toy model in a store of their own, a process."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import mlflow
import psutil
from mlflow.artifacts import download_artifacts

from components.core import runs
from components.core.registry import register
from tests.bundles import write_toy_bundle
from tests.conftest import ROOT

NAME, ALIAS = "toy_head", "champion"
_STARTS_S = 90.0


@dataclass(frozen=True, kw_only=True)
class Store:
    """A tracking store with versions of one model: 1 and 2 whole, 3 damaged.

    Attributes:
        uri: of it.
        folder: that services run in.
        bundles: version → its bundle, where it is whole.
    """

    uri: str
    folder: Path
    bundles: dict[str, Path]

    def point(self, version: str, *, model: str = NAME) -> None:
        """Move the alias."""
        mlflow.MlflowClient(self.uri, self.uri).set_registered_model_alias(model, ALIAS, version)


def filled(folder: Path, uri: str) -> Store:
    """Register versions; the tracking store has been set."""
    bundles: dict[str, Path] = {}
    (folder / "first").mkdir()
    first = write_toy_bundle(folder / "first", members=1)
    with runs.open_run("toy", "train_toy", {}) as recorder:
        register(recorder.run_id, first, name=NAME, alias=ALIAS, tags={"test/auroc": 0.71})
    bundles["1"] = first
    client = mlflow.MlflowClient()
    whole = Path(download_artifacts(f"models:/{NAME}/1"))
    for number in ("2", "3"):
        copy = folder / f"copy{number}"
        shutil.copytree(whole, copy)
        scratch = folder / f"own{number}"
        scratch.mkdir()
        bundles[number] = write_toy_bundle(scratch, members=2)
        shutil.rmtree(copy / "artifacts" / "bundle")
        shutil.copytree(bundles[number], copy / "artifacts" / "bundle")
        client.create_model_version(NAME, str(copy))
    for weights in (folder / "copy3").rglob("*.safetensors"):
        weights.write_bytes(weights.read_bytes()[:-10])
    del bundles["3"]
    return Store(uri=uri, folder=folder, bundles=bundles)


@dataclass
class Started:
    """A service that was started.

    Attributes:
        process: of it.
        scratch: folder that holds its folders of temporary files.
        said: what it wrote to standard error.
        address: that it answers under.
    """

    process: subprocess.Popen[str]
    scratch: Path
    said: list[str] = field(default_factory=list[str])
    address: str = ""

    def listen(self) -> None:
        """Keep what it says, until it ends."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            found = re.search(r"http://\S+", line)
            self.address = self.address or (found[0] if found else "")

    def client(self) -> httpx2.Client:
        """Return a client of it."""
        return httpx2.Client(base_url=self.address, timeout=60)

    def children(self) -> list[psutil.Process]:
        """Return every process that it began and that lives."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def workers(self) -> list[psutil.Process]:
        """Return the processes that compute: children of the server that they are forked of."""
        parents = {each.pid for each in self.children()}
        return [each for each in self.children() if each.ppid() in parents]

    def stop(self) -> int:
        """Stop it as a service manager does, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def command(store: Store, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Return `python -m components.serve` with these arguments, begun."""
    own = {**os.environ, "MLFLOW_TRACKING_URI": store.uri, "PYTHONPATH": str(ROOT), **environment}
    own.pop("CARDIO_SERVE_TOKEN", None) if "CARDIO_SERVE_TOKEN" not in environment else None
    return subprocess.Popen(
        [sys.executable, "-m", "components.serve", *arguments],
        cwd=store.folder, env=own, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def start(store: Store, *arguments: str, settings: str = "", **environment: str) -> Started:
    """Return a service that answers."""
    scratch = Path(tempfile.mkdtemp(dir=store.folder))
    process = command(
        store, "--model", NAME, "--port", "0", "--set", settings, *arguments,
        TMPDIR=str(scratch), **environment,
    )  # fmt: skip
    found = Started(process=process, scratch=scratch)
    threading.Thread(target=found.listen, daemon=True).start()
    until(lambda: bool(found.address) or process.poll() is not None, seconds=_STARTS_S)
    assert found.address, "".join(found.said)
    return found


def until(true: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.05)
