"""Two small cohorts in which there is something to learn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from components.core.data.cohort import Rows, read_part
from components.core.store import Stage
from tests.chain import (
    TABULAR_OPTIONS,
    ingest_config,
    ingested,
    prepared,
    write_ecg_cohort,
    write_tabular_cohort,
)
from tests.train import embedded

Parts = tuple[Rows, Rows]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Nets this small only wait for each other's threads."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def toy_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the stages below; kept for the whole session."""
    folder = tmp_path_factory.mktemp("toys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(folder / "data"))
        yield folder


@pytest.fixture(scope="session")
def tabular_stage(toy_data: Path) -> Stage:
    path = write_tabular_cohort(toy_data)
    source = ingested(ingest_config("table", path, TABULAR_OPTIONS))
    return prepared(source, split={"method": "holdout"})


@pytest.fixture(scope="session")
def folded_stage(toy_data: Path) -> Stage:
    path = write_tabular_cohort(toy_data)
    source = ingested(ingest_config("table", path, TABULAR_OPTIONS))
    return prepared(source, split={"method": "folds", "folds": 3, "repeats": 1})


@pytest.fixture(scope="session")
def ecg_stage(toy_data: Path) -> Stage:
    (toy_data / "ecg").mkdir()
    write_ecg_cohort(toy_data / "ecg")
    options = {"tabular": {"age": "numeric"}}
    source = ingested(ingest_config("manifest", toy_data / "ecg", options))
    return prepared(source, split={"method": "holdout"})


@pytest.fixture
def tabular(tabular_stage: Stage) -> Parts:
    return read_part(tabular_stage, "holdout", "train"), read_part(tabular_stage, "holdout", "val")


@pytest.fixture
def ecg(ecg_stage: Stage) -> Parts:
    return read_part(ecg_stage, "holdout", "train"), read_part(ecg_stage, "holdout", "val")


@pytest.fixture
def branched(cohort: Callable[..., Stage]) -> Parts:
    """Pictures, sounds and clinical fields, each of which some records lack."""
    stage = cohort(ecg=False, arrays=("ecg_image", "pcg"))
    return read_part(stage, "holdout", "train"), read_part(stage, "holdout", "val")


@pytest.fixture
def linear_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model `linear`, which imputes and has a loss of its own, can be named for one test."""
    embedded.register(monkeypatch)
