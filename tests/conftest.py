"""What tests of every part share: an isolated workspace and small cohorts."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from components.core.store import Stage
from tests.cohorts import CohortOptions, write_cohort

# A deadline times the machine, not the code: on busy cores an example may wait.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")

ROOT = Path(__file__).resolve().parents[1]
# What one test, or the shell that started the tests, could leave behind for the next.
_LEFT_BEHIND = (
    "MLFLOW_RUN_ID",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_REGISTRY_URI",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_HTTP_REQUEST_TIMEOUT",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION",
)
# Warnings of others' code about others' code: "message" or "message:category".
_NOT_OURS = (
    "The ``noload`` loader strategy is deprecated",  # MLflow's models on SQLAlchemy 2.1
    ".*Any type hint is inferred as AnyType",  # MLflow's own agent classes, at import
    "Operation with range is deprecated",  # MLflow's copy of an input example, on pandas 3.1
)


def pytest_configure(config: pytest.Config) -> None:
    """Let warnings be errors, except those that no change here could mend."""
    for message in _NOT_OURS:
        config.addinivalue_line("filterwarnings", f"ignore:{message}")


@dataclass(frozen=True)
class Workplace:
    """Where a test's stages, runs and artifacts lie.

    Attributes:
        folder: the working directory; artifacts go under its `mlruns/`.
        data: the folder of all stages (`CARDIO_DATA`).
        uri: of the tracking store (`MLFLOW_TRACKING_URI`).
    """

    folder: Path
    data: Path
    uri: str


@pytest.fixture(scope="session", autouse=True)
def _stages_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let a test that names no folder of stages write to a folder of its own, not the project's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("stages")))
        yield


@pytest.fixture(autouse=True)
def _path_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test leave a registered model's own copy of the core in front of the project's.

    MLflow puts it first when it loads a model; what is imported later, in this process or in one
    that it starts, would be looked for there, where no component but the core is.
    """
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def migrated_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite tracking store after MLflow's migrations (seconds), to be copied."""
    import mlflow

    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{file}").search_experiments(max_results=1)
    return file


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of stages, without a tracking store."""
    monkeypatch.setenv("CARDIO_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def workspace(
    tmp_path: Path, data_folder: Path, migrated_store: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workplace]:
    """An isolated working directory with its own stages and SQLite store; MLflow is put back."""
    file = tmp_path / "mlflow.db"
    shutil.copyfile(migrated_store, file)
    uri = f"sqlite:///{file}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for name in _LEFT_BEHIND:
        monkeypatch.setenv(name, "")  # so that what a test sets is undone, too
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    yield Workplace(tmp_path, data_folder, uri)
    _forget_mlflow()


def _forget_mlflow() -> None:
    """End open runs and drop what MLflow keeps per process."""
    import mlflow
    from mlflow.tracking import fluent

    while mlflow.active_run() is not None:
        mlflow.end_run()
    fluent._active_experiment_id = None
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri("")


@pytest.fixture
def cohort(data_folder: Path) -> Callable[..., Stage]:
    """Builder of a small prepared cohort, as preprocess writes it (see `CohortOptions`)."""

    def build(**options: object) -> Stage:
        return write_cohort(CohortOptions(**options))  # type: ignore[arg-type]

    return build
