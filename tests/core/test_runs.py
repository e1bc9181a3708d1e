"""Runs, inputs and the tracking store, against a real SQLite store."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import pytest

from components.core import runs, store
from components.core.errors import InputError, RefusedError, StorageError
from tests.conftest import Workplace


def stage(component: str = "ingest", print_: str = "a" * 32) -> store.Stage:
    made, _ = store.build(
        component,
        print_,
        config={"task": "toy"},
        inputs={},
        compute=lambda work: work.path("manifest.parquet").write_bytes(b"rows"),
    )
    return made


def run_of(component: str, print_: str, experiment: str = "toy", **tags: object) -> str:
    own = {runs.TAG_COMPONENT: component, runs.TAG_FINGERPRINT: print_, **tags}
    with runs.open_run(experiment, component, own) as recorder:
        return recorder.run_id


def fetched(run_id: str) -> Any:
    return mlflow.MlflowClient().get_run(run_id)


def test_a_run_ends_finished_with_its_tags_and_system_facts(workspace: Workplace) -> None:
    with runs.open_run("toy", "ingest", {"task": "toy"}) as recorder:
        recorder.metrics({"val/auroc": 0.7, "undefined": float("nan")}, step=3)
        recorder.metrics({"nothing": float("nan")})
        recorder.params({"fit.lr": 3e-4, "long": "x" * 9000})
        recorder.tags({"more": 1})
        recorder.text("a: 1\n", "config.yaml")
    run = fetched(recorder.run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "ingest"
    assert run.data.metrics == {"val/auroc": 0.7}
    assert run.data.params["fit.lr"] == "0.0003"
    assert len(run.data.params["long"]) == 500
    assert run.data.tags["task"] == "toy"
    assert run.data.tags["more"] == "1"
    assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/config.yaml") == "a: 1\n"


def test_parameters_that_are_there_already_are_left_alone(workspace: Workplace) -> None:
    with runs.open_run("toy", "ingest", {}) as recorder:
        recorder.params({"seed": 1})
        recorder.params({"seed": 2, "width": 3})
    assert fetched(recorder.run_id).data.params == {"seed": "1", "width": "3"}


def test_more_parameters_than_one_batch_takes(workspace: Workplace) -> None:
    many: dict[str, object] = {f"p{i}": i for i in range(250)}
    with runs.open_run("toy", "ingest", {}) as recorder:
        recorder.params(many)
    assert len(fetched(recorder.run_id).data.params) == 250


def test_files_folders_and_data_sets_are_logged(workspace: Workplace) -> None:
    made = stage()
    with runs.open_run("toy", "ingest", {}) as recorder:
        recorder.dataset(made)
        recorder.artifact(made.folder / "manifest.parquet", "tables")
        recorder.artifacts(made.folder, "all")
    run = fetched(recorder.run_id)
    data = run.inputs.dataset_inputs[0].dataset
    assert (data.name, data.digest) == ("ingest toy", made.fingerprint)
    client = mlflow.MlflowClient()
    assert [f.path for f in client.list_artifacts(recorder.run_id, "tables")] == [
        "tables/manifest.parquet"
    ]
    assert len(client.list_artifacts(recorder.run_id, "all")) == 2


def test_an_error_of_ours_fails_the_run_and_is_left_as_tags(workspace: Workplace) -> None:
    with pytest.raises(RefusedError, match="leaks"):
        with runs.open_run("toy", "audit", {}) as recorder:
            raise RefusedError("the cohort leaks")
    run = fetched(recorder.run_id)
    assert run.info.status == "FAILED"
    assert run.data.tags[runs.TAG_EXIT] == "3"
    assert run.data.tags[runs.TAG_ERROR] == "the cohort leaks"


def test_a_fault_fails_the_run(workspace: Workplace) -> None:
    with pytest.raises(ZeroDivisionError):
        with runs.open_run("toy", "audit", {}) as recorder:
            _ = 1 / 0
    assert fetched(recorder.run_id).info.status == "FAILED"


def launched(experiment: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Open a run as `mlflow run` does and hand its id on in the environment."""
    client = runs.connect()
    run_id = client.create_run(runs.experiment_id(experiment)).info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", runs.experiment_id(experiment))
    return str(run_id)


def test_a_launchers_run_in_the_same_experiment_is_adopted(
    workspace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = launched("toy", monkeypatch)
    with runs.open_run("toy", "ingest", {"task": "toy"}) as recorder:
        assert "MLFLOW_RUN_ID" not in os.environ
    assert recorder.run_id == given
    run = fetched(given)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "ingest")


def test_a_launchers_run_elsewhere_leads_to_ours(
    workspace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = launched("Default", monkeypatch)
    made = stage()
    tags = {runs.TAG_COMPONENT: "ingest", runs.TAG_FINGERPRINT: made.fingerprint}
    with runs.open_run("toy", "ingest", tags) as recorder:
        pass
    assert recorder.run_id != given
    launcher = fetched(given)
    assert launcher.data.tags["leads_to_run"] == recorder.run_id
    assert launcher.info.run_name == "launcher of ingest"
    assert runs.open_input(given, "ingest").fingerprint == made.fingerprint


def test_a_failed_launch_is_marked_on_the_launchers_run(
    workspace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = launched("Default", monkeypatch)
    runs.mark_failed_launch(InputError("no such file"))
    tags = fetched(given).data.tags
    assert (tags[runs.TAG_EXIT], tags[runs.TAG_ERROR]) == ("2", "no such file")


def test_a_launch_that_cannot_be_marked_is_only_noted(
    workspace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.mark_failed_launch(InputError("first"))
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    runs.mark_failed_launch(InputError("first"))
    assert "note: the run could not be tagged (MlflowException)" in capsys.readouterr().err


def test_nested_stages_are_children_and_their_error_is_found(workspace: Workplace) -> None:
    assert runs.last_child_error() == (1, "")
    with runs.open_run("toy", "pipeline", {}) as parent:
        assert runs.last_child_error() == (1, "")
        client = mlflow.MlflowClient()
        tags = {
            "mlflow.parentRunId": parent.run_id,
            runs.TAG_EXIT: "3",
            runs.TAG_ERROR: "refused",
        }
        client.create_run(runs.experiment_id("toy"), tags=tags)
        assert runs.last_child_error() == (3, "refused")


def test_the_newest_finished_run_of_a_fingerprint_is_found(workspace: Workplace) -> None:
    assert runs.find_finished("toy", "a" * 32) is None
    run_of("ingest", "a" * 32)
    newest = run_of("ingest", "a" * 32)
    with (
        pytest.raises(InputError, match="stop"),
        runs.open_run("toy", "ingest", {runs.TAG_FINGERPRINT: "a" * 32}),
    ):
        raise InputError("stop")
    assert runs.find_finished("toy", "a" * 32) == newest
    assert runs.find_finished("toy", "b" * 32) is None
    assert runs.find_finished("other", "a" * 32) is None


def test_an_input_is_opened_by_run_id_and_by_folder(workspace: Workplace) -> None:
    made = stage()
    run_id = run_of("ingest", made.fingerprint)
    assert runs.open_input(run_id, "ingest") == made
    assert runs.open_input(str(made.folder), "ingest") == made


def test_an_input_is_found_through_the_pipelines_run(workspace: Workplace) -> None:
    made = stage()
    parent = run_of("pipeline", "", **{"stage.ingest": made.fingerprint})
    assert runs.open_input(parent, "ingest") == made


def test_an_input_is_verified_unless_told_otherwise(workspace: Workplace) -> None:
    made = stage()
    (made.folder / "manifest.parquet").write_bytes(b"rowz")
    with pytest.raises(InputError, match=r"'manifest.parquet' of stage ingest has changed"):
        runs.open_input(str(made.folder), "ingest")
    assert runs.open_input(str(made.folder), "ingest", check=False) == made


def test_a_picture_is_kept_at_every_step(workspace: Workplace, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (4, 3), (0, 114, 178)).save(tmp_path / "map.png")
    with runs.open_run("toy", "train", {}) as recorder:
        for step in (0, 5):
            recorder.image(tmp_path / "map.png", "attention/f0", step=step)
    kept = [each.path for each in runs.connect().list_artifacts(recorder.run_id, "images")]
    steps = [path.split("+step+")[1][0] for path in kept if path.endswith(".png")]
    assert sorted(steps) == ["0", "5"]
    assert all(path.startswith("images/attention~f0+step+") for path in kept)


def test_a_run_that_is_not_finished_is_refused(workspace: Workplace) -> None:
    made = stage()
    with runs.open_run("toy", "ingest", {
        runs.TAG_COMPONENT: "ingest", runs.TAG_FINGERPRINT: made.fingerprint
    }) as recorder:  # fmt: skip
        with pytest.raises(InputError, match=rf"'{recorder.run_id}' is RUNNING, not FINISHED; run"):
            runs.open_input(recorder.run_id, "ingest")


def test_a_run_without_the_stage_is_refused(workspace: Workplace) -> None:
    run_id = run_of("ingest", stage().fingerprint)
    with pytest.raises(InputError, match="holds no preprocess stage; name a run that does"):
        runs.open_input(run_id, "preprocess")


def test_a_folder_of_another_component_is_refused(workspace: Workplace) -> None:
    folder = str(stage().folder)
    with pytest.raises(InputError, match="is a stage of ingest, but one of train is wanted"):
        runs.open_input(folder, "train")


def test_a_run_whose_folder_is_gone_is_refused(workspace: Workplace) -> None:
    run_id = run_of("ingest", "d" * 32)
    with pytest.raises(InputError, match="is not a finished stage"):
        runs.open_input(run_id, "ingest")


@pytest.mark.parametrize("reference", ["f" * 32, "no/such/folder", "models:/x"])
def test_an_unknown_reference_is_named(workspace: Workplace, reference: str) -> None:
    sentence = f"'{reference}' is neither a run of this tracking store nor a folder; copy the run"
    with pytest.raises(InputError, match=sentence):
        runs.open_input(reference, "ingest")


def test_an_empty_reference_says_which_option() -> None:
    with pytest.raises(InputError, match=r"no ingest run is named; give --ingest-run RUN_ID or"):
        runs.open_input("", "ingest")


def test_openings_of_the_test_split_are_counted_over_experiments(workspace: Workplace) -> None:
    for experiment in ("toy", "toy", "other"):
        run_of("evaluate", "e" * 32, experiment, **{runs.TAG_TEST_SPLIT: "abc"})
    run_of("evaluate", "e" * 32, **{runs.TAG_TEST_SPLIT: "abd"})
    assert runs.count_openings("abc") == 3


def test_a_tag_of_a_run_is_text_or_none(workspace: Workplace) -> None:
    run_id = run_of("ingest", "a" * 32)
    assert runs.run_tag(run_id, runs.TAG_COMPONENT) == "ingest"
    assert runs.run_tag(run_id, "absent") is None


def test_an_experiment_is_made_once(workspace: Workplace) -> None:
    assert runs.experiment_id("new") == runs.experiment_id("new")


def test_an_experiment_made_by_another_in_between_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Client:
        answers = iter([None, SimpleNamespace(experiment_id="7")])

        def get_experiment_by_name(self, name: str) -> object:
            return next(self.answers)

        def create_experiment(self, name: str) -> str:
            raise mlflow.MlflowException("it is there")

    monkeypatch.setattr(runs, "connect", Client)
    assert runs.experiment_id("toy") == "7"


@pytest.mark.parametrize(("content", "migrations"), [(None, 1), (b"", 1), (b"tables", 0)])
def test_a_fresh_store_alone_is_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, migrations: int
) -> None:
    calls: list[int] = []

    class Client:
        def search_experiments(self, max_results: int) -> None:
            calls.append(max_results)

    monkeypatch.setattr(mlflow, "MlflowClient", Client)
    file = tmp_path / "deep" / "mlflow.db"
    if content is not None:
        file.parent.mkdir()
        file.write_bytes(content)
    runs._migrate_once(file)
    assert len(calls) == migrations


def test_the_ui_address_leads_to_the_runs(
    workspace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = runs.experiment_id("toy")
    page = f"/#/experiments/{number}/runs?workflowType=machine_learning"
    assert runs.run_url("toy") == f"http://127.0.0.1:5000{page}"
    monkeypatch.setattr(runs, "store_uri", lambda: "http://host:1")
    monkeypatch.setattr(runs, "experiment_id", lambda name: number)
    assert runs.run_url("toy") == f"http://host:1{page}"


@pytest.mark.parametrize("given", [None, "", "sqlite:///mlflow.db"])
def test_the_store_is_the_projects_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, given: str | None, root: Path
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if given is not None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", given)
    assert runs.store_uri() == f"sqlite:///{root}/mlruns/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://host:5000")
    assert runs.store_uri() == "http://host:5000"


def test_an_unreachable_server_is_one_sentence_and_quick(
    workspace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    began = time.monotonic()
    sentence = r"'http://127.0.0.1:9' does not answer .* Finished stages under data/ are kept"
    with pytest.raises(StorageError, match=sentence):
        runs.connect()
    assert time.monotonic() - began < 5


def test_a_store_that_is_no_database_is_one_sentence(
    workspace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = workspace.folder / "words.db"
    file.write_text("these are words, no database" * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file}")
    with pytest.raises(StorageError, match="does not answer"):
        runs.connect()


def test_a_store_in_a_place_that_is_no_folder_is_one_sentence(
    workspace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace.folder / "file").write_text("")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{workspace.folder}/file/mlflow.db")
    with pytest.raises(StorageError, match=r"does not answer .* correct MLFLOW_TRACKING_URI"):
        runs.connect()
