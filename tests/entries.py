"""Stands in for `mlflow.run`: the pipeline's stages in its own process, which starts once."""

from __future__ import annotations

import importlib
import os
from types import SimpleNamespace
from typing import Any

import mlflow
from click.testing import CliRunner
from mlflow.exceptions import ExecutionException
from mlflow.tracking import fluent
from mlflow.utils.thread_utils import ThreadLocalVariable


class Entries:
    """Computes a stage in this process.

    Attributes:
        started: entry point and parameters of each stage.
        said: what each said on its terminal.
    """

    def __init__(self) -> None:
        self.started: list[tuple[str, dict[str, str]]] = []
        self.said: list[str] = []

    def run(self, *, entry_point: str, parameters: dict[str, str], **more: Any) -> Any:
        assert more["env_manager"] == "local"
        self.started.append((entry_point, parameters))
        module = {"search": "train.tuning"}.get(entry_point, entry_point)
        command = importlib.import_module(f"components.{module}.cli").main
        arguments = [x for k, v in parameters.items() for x in (f"--{k.replace('_', '-')}", v)]
        client = mlflow.MlflowClient()
        experiment = client.get_experiment_by_name(more["experiment_name"]).experiment_id
        parent = mlflow.active_run().info.run_id
        child = client.create_run(experiment, tags={"mlflow.parentRunId": parent}).info.run_id
        # The stage is another process: the parent's active run is not its own.
        stack, fluent._active_run_stack = fluent._active_run_stack, ThreadLocalVariable(list)
        os.environ["MLFLOW_RUN_ID"] = child
        try:
            done = CliRunner().invoke(command, arguments)
        finally:
            fluent._active_run_stack = stack
        self.said.append(done.output)
        if done.exit_code:
            raise ExecutionException(f"failed: {done.stderr}")
        return SimpleNamespace(run_id=child)
