"""A training is found behind whatever names it."""

from __future__ import annotations

import mlflow
import pytest

from components.core import runs, store
from components.core.errors import ConfigError, InputError
from components.core.training_runs import open_training, pipeline_run, task_of
from tests.conftest import Workplace


def stage(component: str, print_: str, **inputs: str) -> store.Stage:
    return store.build(
        component, print_, config={}, inputs=inputs,
        compute=lambda work: work.path("weights").write_bytes(b"numbers"),
    )[0]  # fmt: skip


def run_of(component: str, **tags: object) -> str:
    with runs.open_run("toy", component, {runs.TAG_COMPONENT: component, **tags}) as recorder:
        return recorder.run_id


def registered(run_id: str, folder: str) -> str:
    client = mlflow.MlflowClient()
    client.create_registered_model("toy_head")
    made = client.create_model_version("toy_head", folder, tags={"source_run": run_id})
    client.set_registered_model_alias("toy_head", "champion", made.version)
    return "models:/toy_head@champion"


def test_a_training_is_found_behind_every_reference(workspace: Workplace) -> None:
    train = stage("train", "a" * 32)
    evaluation = stage("evaluate", "b" * 32, train=train.fingerprint)
    of_train = run_of("train", fingerprint=train.fingerprint)
    of_evaluation = run_of("evaluate", fingerprint=evaluation.fingerprint)
    parent = run_of("pipeline", **{"stage.train": train.fingerprint})
    alias = registered(parent, str(train.folder))
    folders = [str(train.folder), str(evaluation.folder)]
    for reference in [*folders, of_train, of_evaluation, parent, alias]:
        assert open_training(reference).folder == train.folder, reference
    found = [pipeline_run(each) for each in [*folders, of_train, of_evaluation, parent, alias]]
    assert found == [None, None, None, None, parent, parent]


def test_a_launcher_leads_to_the_pipelines_run(workspace: Workplace) -> None:
    parent = run_of("pipeline")
    launcher = run_of("launcher", leads_to_run=parent)
    assert pipeline_run(launcher) == parent


def test_what_holds_no_training_is_refused(workspace: Workplace) -> None:
    with pytest.raises(ConfigError, match="no model is named; give run="):
        open_training("")
    other = stage("ingest", "c" * 32)
    with pytest.raises(InputError, match="is a stage of ingest, but one of train is wanted"):
        open_training(str(other.folder))
    with pytest.raises(InputError, match="holds no train stage"):
        open_training(run_of("ingest", fingerprint=other.fingerprint))


def test_a_changed_file_of_the_model_is_named_behind_an_evaluation_too(
    workspace: Workplace,
) -> None:
    train = stage("train", "a" * 32)
    evaluation = stage("evaluate", "b" * 32, train=train.fingerprint)
    (train.folder / "weights").write_bytes(b"others.")
    for reference in (train.folder, evaluation.folder):
        with pytest.raises(InputError, match="'weights' of stage train has changed"):
            open_training(str(reference))


def test_the_task_is_what_the_trainings_runs_say(workspace: Workplace) -> None:
    train = stage("train", "a" * 32)
    with pytest.raises(ConfigError, match=r"no run .* holds the training a{32}, .* task=ctrcd"):
        task_of(train)
    run_of("train", task="toy", **{"stage.train": train.fingerprint})
    run_of("pipeline", **{"stage.train": train.fingerprint})  # without a task
    assert task_of(train) == "toy"
