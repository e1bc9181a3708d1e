"""A cohort in folds and one with a fixed test part, audited once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from components.core.store import Stage
from tests.chain import (
    TABULAR_OPTIONS,
    audited,
    ingest_config,
    ingested,
    prepared,
    write_tabular_cohort,
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Nets this small only wait for each other's threads."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tuned_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the stages below; kept for the whole session."""
    folder = tmp_path_factory.mktemp("tuned")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(folder / "data"))
        yield folder


def _audit(folder: Path, **split: Any) -> Stage:
    path = write_tabular_cohort(folder)
    source = ingested(ingest_config("table", path, TABULAR_OPTIONS))
    return audited(prepared(source, split=split))


@pytest.fixture(scope="session")
def holdout(tuned_data: Path) -> Stage:
    """The audit of a cohort with one fixed test part."""
    return _audit(tuned_data, method="holdout")


@pytest.fixture(scope="session")
def folded(tuned_data: Path) -> Stage:
    """The audit of a cohort in two folds."""
    return _audit(tuned_data, method="folds", folds=2, repeats=1)


@pytest.fixture
def stages(tuned_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder in which both audits lie."""
    monkeypatch.setenv("CARDIO_DATA", str(tuned_data / "data"))
    return tuned_data / "data"
