"""A registry of five evaluated models, made once and copied for every test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pytest
import torch
from click.testing import CliRunner, Result

from components.promote.cli import main
from tests.conftest import _forget_mlflow
from tests.promote.cohorts import LENIENT, MODEL, Registered, isolated, make_all


@dataclass(frozen=True)
class Made:
    """The models, and where they lie."""

    folder: Path
    versions: dict[str, Registered]


@dataclass(frozen=True)
class Registry:
    """A test's own registry.

    Attributes:
        folder: of its store; stages are shared with the other tests.
        environment: what a process needs to see it.
        versions: weak, strong, twin, waived, elsewhere.
    """

    folder: Path
    environment: dict[str, str]
    versions: dict[str, Registered]

    def promote(self, name: str = "", *, settings: str = "", **options: str) -> Result:
        """Run the command on a version by its name here; the last registered one by default."""
        given = {"model": MODEL, "set": f"{LENIENT} {settings}", **options}
        if name:
            given["version"] = self.versions[name].number
        return self.command(**given)

    def command(self, **options: str) -> Result:
        """Run the command."""
        flags = [x for k, v in options.items() for x in (f"--{k.replace('_', '-')}", v)]
        return CliRunner().invoke(main, [*flags, "--debug"])

    def aliases(self) -> dict[str, str]:
        """Return alias → name of the version here, without the candidate."""
        found = self.client.get_registered_model(MODEL).aliases
        names = {v.number: name for name, v in self.versions.items()}
        return {a: names[str(n)] for a, n in found.items() if a != "candidate"}

    def tags(self, name: str) -> dict[str, str]:
        """Return the tags of a version."""
        return dict(self.client.get_model_version(MODEL, self.versions[name].number).tags)

    def runs(self) -> list[Any]:
        """Return the runs of the component, the newest first."""
        experiment = self.client.get_experiment_by_name("toy")
        query = "tags.component = 'promote'"
        return list(self.client.search_runs([experiment.experiment_id], filter_string=query))

    @property
    def client(self) -> Any:
        """Return a client of the store."""
        return mlflow.MlflowClient()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, migrated_store: Path) -> Iterator[Made]:
    """Return the evaluated and registered models."""
    folder = tmp_path_factory.mktemp("promoted")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(folder / "data"))
        patch.setenv("MLFLOW_TRACKING_URI", isolated(migrated_store, folder))
        patch.delenv("MLFLOW_RUN_ID", raising=False)
        patch.chdir(folder)
        versions = make_all(folder)
    _forget_mlflow()
    yield Made(folder, versions)
    torch.set_num_threads(threads)


@pytest.fixture
def registry(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """Return a copy of the registry, with nobody champion."""
    environment = {
        "CARDIO_DATA": str(made.folder / "data"),
        "MLFLOW_TRACKING_URI": isolated(made.folder / "mlflow.db", tmp_path),
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(environment["MLFLOW_TRACKING_URI"])
    mlflow.set_registry_uri(environment["MLFLOW_TRACKING_URI"])
    yield Registry(tmp_path, environment, made.versions)
    _forget_mlflow()


@pytest.fixture
def own_data(registry: Registry, made: Made, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """Return a maker of a copy of all stages, which a test may spoil."""

    def copy() -> Path:
        data = registry.folder / "data"
        shutil.copytree(made.folder / "data", data)
        monkeypatch.setenv("CARDIO_DATA", str(data))
        return data

    return copy
