"""What reaches the tracking store when others write to it, and when a stage breaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from components.core import runs
from components.core.store import Stage

STAGE = Stage(
    folder=Path(), component="preprocess", fingerprint="f" * 32, config={}, inputs={},
    counts={"records": 3},
)  # fmt: skip


def test_a_data_set_that_another_process_enters_in_the_same_moment(
    workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store looks whether it has the data set, and then inserts it: two may come between."""
    plain = mlflow.MlflowClient.log_inputs
    calls: list[str] = []

    def collide(self: mlflow.MlflowClient, run_id: str, **more: Any) -> None:
        calls.append(run_id)
        if len(calls) == 1:
            raise MlflowException("(sqlite3.IntegrityError) UNIQUE constraint failed: datasets")
        plain(self, run_id, **more)

    monkeypatch.setattr(mlflow.MlflowClient, "log_inputs", collide)
    with runs.open_run("toy", "preprocess", {}) as recorder:
        recorder.dataset(STAGE)
    assert len(calls) == 2
    run = mlflow.MlflowClient().get_run(recorder.run_id)
    (logged,) = run.inputs.dataset_inputs
    assert logged.dataset.digest == "f" * 32
    assert run.info.status == "FINISHED"


def test_a_fault_leaves_its_type_on_the_run_and_no_more(workspace: Any) -> None:
    with (
        pytest.raises(ValueError, match="Quintanilla"),
        runs.open_run("toy", "train", {}) as recorder,
    ):
        raise ValueError("cannot parse 'Quintanilla, Rosa'")
    run = mlflow.MlflowClient().get_run(recorder.run_id)
    assert run.info.status == "FAILED"
    assert run.data.tags["error"] == "fault: ValueError"
    assert run.data.tags["exit_status"] == "1"
    assert "Quintanilla" not in str(run.data.tags)
