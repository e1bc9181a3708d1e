"""The audit on the command line: status 3 for a refusal, tags for a waiver."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from components.audit.cli import main as audit
from components.core.store import Stage, read_stage
from components.train.cli import main as train
from tests.audit.event_leaks import prepared_cohort
from tests.chain import (
    TABULAR_OPTIONS,
    ingest_config,
    ingested,
    prepared,
    write_tabular_cohort,
    write_task,
)
from tests.event_cohort import LABEL as EVENTS_LABEL


@pytest.fixture
def leaking(tmp_path: Path, workspace: Any) -> Stage:
    path = write_tabular_cohort(tmp_path)
    frame = pd.read_csv(path)
    frame.assign(code=frame["label"].map({0: "n", 1: "y"})).to_csv(path, index=False)
    tabular = TABULAR_OPTIONS["tabular"] | {"code": "categorical"}
    source = ingested(ingest_config("table", path, TABULAR_OPTIONS | {"tabular": tabular}))
    return prepared(source, split={"method": "holdout"})


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., Result]:
    """Invoke a command with a toy task."""

    def invoke(command: Any, *arguments: str, **sections: Any) -> Result:
        config = write_task(tmp_path, **sections)
        return CliRunner().invoke(command, ["--config", config, *arguments])

    return invoke


def the_run(component: str) -> Any:
    (found,) = mlflow.MlflowClient().search_runs(
        [e.experiment_id for e in mlflow.MlflowClient().search_experiments()],
        filter_string=f"tags.component = '{component}'",
    )
    return found


def test_a_refusal_ends_with_status_3_and_stays_refused(
    leaking: Stage, call: Callable[..., Result]
) -> None:
    result = call(audit, "--preprocess-run", str(leaking.folder))
    assert result.exit_code == 3, result.output
    assert "audit: refused label_derived_column: the feature(s) code alone" in result.stderr
    assert "error: the audit refuses this cohort (label_derived_column:" in result.stderr
    run = the_run("audit")
    assert run.info.status == "FAILED"
    assert run.data.tags["exit_status"] == "3"
    assert run.data.tags["audit.label_derived_column"] == "refused"
    refused = call(train, "--audit-run", run.info.run_id)
    assert refused.exit_code == 2
    assert "is FAILED, not FINISHED" in refused.stderr
    folder = leaking.folder.parents[1] / "audit" / run.data.tags["fingerprint"]
    by_folder = call(train, "--audit-run", str(read_stage(folder).folder))
    assert by_folder.exit_code == 3
    assert "error: the audit did not pass: " in by_folder.stderr
    assert not (folder.parents[1] / "train").exists()


def test_a_leak_of_event_sequences_ends_with_status_3(
    tmp_path: Path, workspace: Any, call: Callable[..., Result]
) -> None:
    def plant(own: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
        own["age"] = (own["home"] - own["prediction_time"]).dt.days
        return happened

    stage = prepared_cohort(tmp_path, plant)
    result = call(audit, "--preprocess-run", str(stage.folder), label=EVENTS_LABEL)
    assert result.exit_code == 3, result.output
    assert "audit: refused length_of_stay: tells when the stay ends" in result.stderr


def test_a_waiver_is_shown_on_the_run(leaking: Stage, call: Callable[..., Result]) -> None:
    waive = {"label_derived_column": "a check of the waiver itself"}
    result = call(audit, "--preprocess-run", str(leaking.folder), audit={"waive": waive})
    assert result.exit_code == 0, result.output
    run = the_run("audit")
    assert run.data.tags["audit.label_derived_column"] == "waived"
    assert run.data.tags["waiver.label_derived_column"] == "a check of the waiver itself"
    assert run.data.metrics["audit/refused"] == 0
    text = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/audit.csv")
    (row,) = [line for line in text.splitlines() if line.startswith("label_derived_column,")]
    assert row.endswith(",block,waived,a check of the waiver itself")


def test_no_such_run(workspace: Any, call: Callable[..., Result]) -> None:
    result = call(audit, "--preprocess-run", "f" * 32)
    assert result.exit_code == 2
    assert "is neither a run of this tracking store nor a folder" in result.stderr


def test_a_stage_of_another_component(leaking: Stage, call: Callable[..., Result]) -> None:
    source = leaking.input_folder("ingest")
    result = call(audit, "--preprocess-run", str(source))
    assert result.exit_code == 2
    assert "is a stage of ingest, but one of preprocess is wanted" in result.stderr


def test_a_changed_file_is_not_trusted(leaking: Stage, call: Callable[..., Result]) -> None:
    file = leaking.folder / "norm_stats" / "holdout.json"
    file.write_text(file.read_text().replace("holdout", "houldot"))
    result = call(audit, "--preprocess-run", str(leaking.folder))
    assert result.exit_code == 2
    assert "'norm_stats/holdout.json' of stage preprocess has changed" in result.stderr
