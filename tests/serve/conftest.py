"""Bundles that are written once, and what asks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import mlflow
import pytest

from components.serve.shelf import Served
from tests.serve.near import served
from tests.serve.started import Store, filled
from tests.serve.subjects import SUBJECTS


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Served]:
    """Return what gives a served bundle of a kind."""

    @cache
    def of(kind: str) -> Served:
        folder: Path = tmp_path_factory.mktemp(kind)
        return served(kind, SUBJECTS[kind].write(folder))

    return of


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, migrated_store: Path) -> Iterator[Store]:
    """Whole and damaged versions of a toy model, registered."""
    folder = tmp_path_factory.mktemp("served")
    file = folder / "mlflow.db"
    file.write_bytes(migrated_store.read_bytes())
    uri = f"sqlite:///{file}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        patch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        patch.chdir(folder)
        yield filled(folder, uri)
        mlflow.set_tracking_uri(None)  # pyright: ignore[reportArgumentType]
        mlflow.set_registry_uri("")
