"""Small runs under a parent, as MLflow then shows them."""

from __future__ import annotations

from typing import Any

import mlflow
import pytest

from components.core import child_runs
from components.core.child_runs import PARENT, ChildRuns
from components.core.errors import StorageError
from tests.conftest import Workplace


def test_a_child_run_holds_what_it_came_to(workspace: Workplace) -> None:
    runs = ChildRuns("toy")
    run_id = runs.start("trial 3", parent="p", tags={"trial": 3})
    client = mlflow.MlflowClient()
    assert client.get_run(run_id).info.status == "RUNNING"
    runs.end(
        run_id,
        "FAILED",
        params={"fit.lr": 0.1, "long": "x" * 900},
        series={"tune/reported": {0: 0.5, 1: float("nan"), 2: 0.7}, "val/auroc": {0: 0.7}},
        tags={"state": "failed"},
    )
    run = client.get_run(run_id)
    assert (run.info.status, run.info.run_name) == ("FAILED", "trial 3")
    assert run.data.tags.items() >= {PARENT: "p", "trial": "3", "state": "failed"}.items()
    assert run.data.params == {"fit.lr": "0.1", "long": "x" * 500}
    history = client.get_metric_history(run_id, "tune/reported")
    assert [(m.step, m.value) for m in history] == [(0, 0.5), (2, 0.7)]


def test_more_values_than_one_batch_takes(workspace: Workplace) -> None:
    runs = ChildRuns("toy")
    run_id = runs.start("trial", parent="p", tags={})
    series = {"tune/reported": {step: float(step) for step in range(1001)}}
    runs.end(run_id, "FINISHED", params={}, series=series, tags={})
    history = mlflow.MlflowClient().get_metric_history(run_id, "tune/reported")
    assert len(history) == 1001


def test_children_are_found_by_tag_on_every_page(
    workspace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = ChildRuns("toy")
    ids = {runs.start(f"trial {n}", parent="p", tags={"study": "one"}) for n in range(3)}
    other = runs.start("trial", parent="p", tags={"study": "two"})
    search = mlflow.MlflowClient.search_runs

    def one_by_one(self: Any, ids: list[str], **options: Any) -> Any:
        return search(self, ids, max_results=1, **options)

    monkeypatch.setattr(mlflow.MlflowClient, "search_runs", one_by_one)
    assert {run.run_id for run in runs.find("study", "one")} == ids
    runs.tag(other, "study", "one")
    assert {run.run_id for run in runs.find("study", "one")} == {*ids, other}
    assert {run.status for run in runs.find("study", "one")} == {"RUNNING"}


def test_a_store_that_refuses_is_told(workspace: Workplace) -> None:
    runs = child_runs.ChildRuns("toy")
    with pytest.raises(StorageError, match=r"does not take a trial's run .*finished trials are"):
        runs.end("no-such-run", "FINISHED", params={}, series={}, tags={})
