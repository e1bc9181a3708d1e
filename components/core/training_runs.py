"""The training that a user names by a run, a registered model or a folder, and its runs."""

from __future__ import annotations

from pathlib import Path

from components.core.errors import ConfigError, InputError
from components.core.registry import source_run
from components.core.runs import TAG_COMPONENT, connect, open_input, run_tag
from components.core.store import Stage, read_stage, verify


def open_training(reference: str) -> Stage:
    """Return the train stage behind a reference, its files compared with their hashes.

    Args:
        reference: a run of a pipeline, a training or an evaluation, the folder of one of the latter
            two, or a registered model, `models:/name@alias` or `models:/name/version`.

    Raises:
        ConfigError: nothing is named.
        InputError: there is no such run, model or folder, it holds no model, or a file of the model
            is missing or has changed.
    """
    if not reference:
        raise ConfigError("no model is named; give run=<run id> or run=models:/name@alias")
    run = source_run(reference)
    try:
        return open_input(run, "train")
    except InputError as error:
        found = _of_evaluation(run)
        if found is None:
            raise error from None
        return found


def _of_evaluation(run: str) -> Stage | None:
    try:
        evaluation = open_input(run, "evaluate", check=False)
    except InputError:
        return None
    return verify(read_stage(evaluation.input_folder("train")))


def task_of(train: Stage) -> str:
    """Return the task that a training belongs to, as its runs in the tracking store say.

    Raises:
        ConfigError: no run holds that training.
    """
    client = connect()
    ids = [each.experiment_id for each in client.search_experiments()]
    query = f"tags.`stage.train` = '{train.fingerprint}'"
    for run in client.search_runs(ids, filter_string=query):
        if run.data.tags.get("task"):
            return str(run.data.tags["task"])
    raise ConfigError(
        f"no run of this tracking store holds the training {train.fingerprint}, so its task is not "
        "known; name it, e.g. task=ctrcd"
    )


def pipeline_run(reference: str) -> str | None:
    """Return the id of the pipeline's parent run that a reference names, None for anything else.

    Args:
        reference: one that `open_training` takes.
    """
    if Path(reference).is_dir():
        return None
    run = source_run(reference)
    run = run_tag(run, "leads_to_run") or run
    return run if run_tag(run, TAG_COMPONENT) == "pipeline" else None
