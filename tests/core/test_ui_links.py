"""Addresses of the UI's pages: what they name, and the state that they leave for the page."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import mlflow
import pytest

from components.core import runs, store, ui_links
from components.core.store import Stage
from tests.conftest import Workplace


def asked(address: str) -> dict[str, str]:
    """Return what is asked behind the page's name."""
    query = urlsplit(address).fragment.partition("?")[2]
    return {key: values[0] for key, values in parse_qs(query, strict_parsing=True).items()}


def finished(fingerprint: str = "f" * 32) -> str:
    with runs.open_run("toy", "evaluate", {runs.TAG_FINGERPRINT: fingerprint}) as recorder:
        return recorder.run_id


def test_the_table_opens_with_the_state_that_the_experiment_keeps(workspace: Workplace) -> None:
    address = ui_links.runs_table("toy")
    assert asked(address) == {
        "workflowType": "machine_learning", "compareRunsMode": "TABLE",
        "viewStateShareKey": "cardio",
    }  # fmt: skip
    experiment = mlflow.MlflowClient().get_experiment_by_name("toy")
    assert experiment is not None
    assert f"/#/experiments/{experiment.experiment_id}/runs?" in address
    state = json.loads(experiment.tags["mlflow.sharedViewState.cardio"])
    assert state == ui_links.view_state()
    assert state["searchFilter"] == "tags.component = 'pipeline'"
    assert state["selectedColumns"][0] == "params.`model`"
    assert {"metrics.`test/auroc`", "metrics.`test/auroc_lo`"} <= set(state["selectedColumns"])


def test_the_state_is_written_once_and_mended_when_it_differs(
    workspace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[str] = []
    own = mlflow.MlflowClient.set_experiment_tag

    def counted(self: mlflow.MlflowClient, home: str, key: str, value: str) -> None:
        writes.append(key)
        own(self, home, key, value)

    monkeypatch.setattr(mlflow.MlflowClient, "set_experiment_tag", counted)
    ui_links.runs_table("toy")
    assert asked(ui_links.runs_charts("toy"))["compareRunsMode"] == "CHART"
    assert writes == [ui_links.VIEW_TAG]
    mlflow.MlflowClient().set_experiment_tag(runs.experiment_id("toy"), ui_links.VIEW_TAG, "{}")
    ui_links.runs_table("toy")
    assert writes == [ui_links.VIEW_TAG] * 3


def test_every_chart_stands_in_the_section_that_is_there() -> None:
    state = ui_links.view_state()
    (section,) = state["compareRunSections"]
    charts = state["compareRunCharts"]
    assert {chart["metricSectionId"] for chart in charts} == {section["uuid"]}
    assert len({chart["uuid"] for chart in charts}) == len(charts)
    assert charts[0]["type"] == "PARALLEL"
    assert "test/auroc" in charts[0]["selectedMetrics"]


def test_the_compare_page_names_runs_and_their_experiments(workspace: Workplace) -> None:
    first, second = finished("a" * 32), finished("b" * 32)
    with runs.open_run("other", "evaluate", {}) as recorder:
        third = recorder.run_id
    found = asked(ui_links.compare_page([second, first, third]))
    assert json.loads(found["runs"]) == [second, first, third]
    homes = {runs.experiment_id(name) for name in ("toy", "other")}
    assert json.loads(found["experiments"]) == sorted(homes)


def test_models_named_by_run_launcher_or_folder_are_found(workspace: Workplace) -> None:
    stage = _stage("e" * 32)
    own, named = finished("e" * 32), finished("d" * 32)
    with runs.open_run("Default", "launcher", {"leads_to_run": named}) as recorder:
        launcher = recorder.run_id
    pair = [(str(stage.folder), stage), (launcher, stage)]
    link, why = ui_links.side_by_side(pair)
    assert (json.loads(asked(link)["runs"]), why) == ([own, named], "")


def test_an_evaluation_without_a_run_has_no_link_and_a_reason(workspace: Workplace) -> None:
    stage = _stage("c" * 32)
    link, why = ui_links.side_by_side([(str(stage.folder), stage)])
    assert link == ""
    assert why.startswith("no finished run in the tracking store holds the evaluation '")


def test_pages_of_a_run_and_of_a_version(workspace: Workplace) -> None:
    run_id = finished()
    home = runs.experiment_id("toy")
    page = f"http://127.0.0.1:5000/#/experiments/{home}/runs/{run_id}"
    assert ui_links.run_page(run_id) == f"{page}?workflowType=machine_learning"
    assert ui_links.run_page(run_id, "a.html").startswith(f"{page}/artifacts/a.html?")
    assert "/#/models/toy_head/versions/3?" in ui_links.version_page("toy_head", "3")


@pytest.mark.parametrize(
    ("store_uri", "address"),
    [
        ("sqlite:///x.db", "http://127.0.0.1:5000"),
        ("postgresql://me:secret@host/db", "http://127.0.0.1:5000"),
        ("https://me:secret@host:8080/mlflow/", "https://host:8080/mlflow"),
    ],
)
def test_no_password_is_in_an_address(
    monkeypatch: pytest.MonkeyPatch, store_uri: str, address: str
) -> None:
    monkeypatch.setattr(runs, "store_uri", lambda: store_uri)
    assert runs.ui_address() == address


def _stage(fingerprint: str) -> Stage:
    def fill(work: store.Workspace) -> None:
        work.path("x.txt").write_text("x")

    return store.build(
        "evaluate", fingerprint, config={"task": "toy"}, inputs={}, compute=fill
    )[0]  # fmt: skip
