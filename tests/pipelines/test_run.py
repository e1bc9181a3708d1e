"""The walk over the stages, with entry points that only pretend."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import mlflow
import pytest
from click.testing import CliRunner

from components.core import runs, stages, store
from components.core.errors import CardioError, ConfigError, RefusedError, UserError
from pipelines import run
from pipelines.cli import main
from tests.chain import TABULAR_OPTIONS, task_config, write_task
from tests.entries import Entries


def invoke(tmp_path: Path, **sections: Any) -> Any:
    return CliRunner().invoke(main, ["--config", write_task(tmp_path, **sections)])


def test_stages_are_started_once_and_then_found(
    entries: Entries, sections: dict[str, Any], tmp_path: Path
) -> None:
    first = invoke(tmp_path, **sections)
    assert first.exit_code == 0, first.output
    assert [name for name, _ in entries.started] == ["ingest", "preprocess"]
    ingest_run = entries.started[1][1]["ingest_run"]
    assert mlflow.MlflowClient().get_run(ingest_run).data.tags["component"] == "ingest"
    assert "stages executed: ingest, preprocess" in first.stderr
    again = invoke(tmp_path, **sections)
    assert again.exit_code == 0, again.output
    assert len(entries.started) == 2
    assert "stages executed: none, everything was found finished" in again.stderr
    other = sections | {"preprocess": {"split": {"method": "holdout", "seed": 7}}}
    changed = invoke(tmp_path, **other)
    assert [name for name, _ in entries.started[2:]] == ["preprocess"]
    assert "ingest: found finished" in changed.stderr


def test_the_parent_run_names_its_stages_and_settings(
    entries: Entries, sections: dict[str, Any], tmp_path: Path
) -> None:
    assert invoke(tmp_path, **sections).exit_code == 0
    client = mlflow.MlflowClient()
    (parent,) = client.search_runs(
        [client.get_experiment_by_name("toy").experiment_id],
        filter_string="tags.component = 'pipeline'",
    )
    task = task_config(**sections)
    assert parent.info.run_name == "train_toy"
    assert parent.data.params["fit.epochs"] == "3"
    assert (parent.data.params["model"], parent.data.params["source"]) == ("tabular", "table")
    folder = store.data_root() / "preprocess" / parent.data.tags["stage.preprocess"]
    assert store.read_stage(folder).config == stages.stage_config("preprocess", task)
    assert {"code.commit", "code.dirty"} <= set(parent.data.tags)
    text = mlflow.artifacts.load_text(f"{parent.info.artifact_uri}/config.yaml")
    assert text == task.to_yaml()


def test_changed_raw_data_start_anew(
    entries: Entries, sections: dict[str, Any], tmp_path: Path
) -> None:
    assert invoke(tmp_path, **sections).exit_code == 0
    file = Path(sections["ingest"]["path"])
    file.write_text(file.read_text() + "px,1,0.5,0.5,a\n")
    assert invoke(tmp_path, **sections).exit_code == 0
    assert [name for name, _ in entries.started] == ["ingest", "preprocess"] * 2


@pytest.mark.parametrize(
    ("status", "sentence", "kind"),
    [
        (2, "the table is empty", UserError),
        (3, "the audit refuses", RefusedError),
        (1, "disk full", CardioError),
        (1, "", CardioError),
    ],
)
def test_a_failed_stage_keeps_its_words_and_its_status(
    monkeypatch: pytest.MonkeyPatch, status: int, sentence: str, kind: type[CardioError]
) -> None:
    monkeypatch.setattr(runs, "last_child_error", lambda: (status, sentence))
    error = run._stage_error("ingest")
    assert type(error) is kind
    assert error.exit_status == status
    assert (
        str(error) == f"ingest: {sentence or 'the stage ended without a word; see its lines above'}"
    )


def test_an_unknown_stage(workspace: Any) -> None:
    task = task_config(stages=("ingest", "trian"))
    with pytest.raises(ConfigError, match="stages names 'trian'; known are: ingest, preprocess"):
        run.pipeline(task)
    assert mlflow.MlflowClient().get_experiment_by_name("toy") is None


def test_a_failing_stage_fails_the_parent(
    entries: Entries, sections: dict[str, Any], tmp_path: Path
) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("pid,label,x,noise,arm\n")
    sections["ingest"]["path"] = str(empty)
    done = invoke(tmp_path, **sections)
    assert done.exit_code == 2
    assert "error: ingest: " in done.stderr
    client = mlflow.MlflowClient()
    (parent,) = client.search_runs(
        [client.get_experiment_by_name("toy").experiment_id],
        filter_string="tags.component = 'pipeline'",
    )
    assert parent.info.status == "FAILED"
    assert parent.data.tags["exit_status"] == "2"


def test_the_own_interpreter_comes_first_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    run._own_python_first()
    run._own_python_first()
    own = str(Path(sys.executable).parent)
    assert os.environ["PATH"] == f"{own}{os.pathsep}/usr/bin"


def test_all_stages_end_in_figures_a_report_and_one_registered_candidate(
    entries: Entries, sections: dict[str, Any], tmp_path: Path
) -> None:
    table = TABULAR_OPTIONS | {"patient_id": ""}
    sections["ingest"]["options"] = {"table": table}
    whole = sections | {
        "stages": ("ingest", "preprocess", "audit", "train", "evaluate"),
        "register_as": {"name": "toy_head"},
    }
    first = invoke(tmp_path, **whole)
    assert first.exit_code == 0, first.output
    assert "registered toy_head version 1 as @candidate" in first.stderr
    again = invoke(tmp_path, **whole)
    assert again.exit_code == 0, again.output
    assert "toy_head version 1 is this very model already" in again.stderr
    client = mlflow.MlflowClient()
    found = client.search_runs([client.get_experiment_by_name("toy").experiment_id])
    parents = [r for r in found if r.data.tags.get("component") == "pipeline"]
    (evaluation,) = [r for r in found if r.data.tags.get("component") == "evaluate"]
    for each in (*parents, evaluation):
        assert each.data.metrics["test/auroc"] == evaluation.data.metrics["test/auroc"]
        names = {a.path for a in client.list_artifacts(each.info.run_id)}
        assert {"report.html", "model_card.md", "predictions.parquet"} <= names
    assert {r.data.tags["registered"] for r in parents} == {"toy_head/1"}
    assert "Not for clinical use" in parents[0].data.tags["mlflow.note.content"]
    assert {a.path for a in client.list_artifacts(evaluation.info.run_id, "plots")} >= {
        "plots/roc.svg"
    }
    version = client.get_model_version_by_alias("toy_head", "candidate")
    assert version.tags["fingerprint"] == evaluation.data.tags["fingerprint"]
    report = mlflow.artifacts.load_text(f"{evaluation.info.artifact_uri}/report.html")
    assert "Patients are unknown: the unit of split and bootstrap is the recording" in report


@pytest.mark.parametrize(("seed", "registered"), [(None, ["toy_head"]), (3, [])])
def test_a_control_with_shuffled_labels_is_not_registered(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    seed: int | None,
    registered: list[str],
) -> None:
    """It would take the alias of the candidate from a model that has learned something."""
    label = {"name": "toy", "definition": "d", "prediction_time": "day 0", "shuffle": seed}
    task = task_config(label=label, register_as={"name": "toy_head"})
    facts: dict[str, Any] = {"figures": {}, "tags": {}, "published": [], "headline": ["line"]}
    stage = SimpleNamespace(folder=tmp_path, facts=facts)
    asked: list[str] = []
    monkeypatch.setattr(run.store, "read_stage", lambda _: stage)
    monkeypatch.setattr(run.store, "data_root", lambda: tmp_path)
    monkeypatch.setattr(run, "_register", lambda task, *_: asked.append(task.register_as.name))
    prints = {"evaluate": "e", "preprocess": "p"}
    run.publish(task, run.Walk(raw="none", prints=prints), MagicMock())
    assert asked == registered
    assert ("a control, which is not registered" in capsys.readouterr().err) == (seed is not None)
