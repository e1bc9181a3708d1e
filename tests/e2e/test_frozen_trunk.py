"""A trunk goes from one task to the next, unless it has seen who is tested there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest
from click.testing import CliRunner, Result

from components.audit.cli import main as audit
from components.core import runs, stages
from components.core.data.patient_set import read_patient_set
from components.core.registry import register
from components.core.store import Stage, read_stage
from components.evaluate.cli import main as evaluate
from components.train.cli import main as train
from pipelines.cli import main as pipeline
from tests.chain import ECG, manifest_of
from tests.conftest import Workplace
from tests.entries import Entries
from tests.pretrained import ALL, OPTIONS, VERSION, cohort, source, task, write_trunk

Call = Callable[..., Result]


@pytest.fixture
def raw(workspace: Workplace, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.delenv("CARDIO_PATIENT_KEY", raising=False)
    # Nets this small only wait for each other's threads.
    monkeypatch.setattr("components.train.run._cores", lambda: 1)
    return source(workspace.folder / "raw")


@pytest.fixture
def home(raw: Stage, workspace: Workplace) -> Path:
    return write_trunk(workspace.folder / "bundle", cohort(raw))


@pytest.fixture
def call(home: Path, tmp_path: Path) -> Call:
    """Invoke a command with a task that starts from the bundle of `home`."""

    def invoke(command: Any, *arguments: str, reference: str = "") -> Result:
        quick = {"draws": 100, "baselines": ("logistic_regression",)}
        own = task({"init_from": reference or str(home)}, evaluate=quick)
        file = tmp_path / "toy.yaml"
        file.write_text(own.to_yaml())
        return CliRunner().invoke(command, ["--config", str(file), *arguments])

    return invoke


def newest(component: str) -> Any:
    client = mlflow.MlflowClient()
    ids = [e.experiment_id for e in client.search_experiments()]
    found = client.search_runs(ids, filter_string=f"tags.component = '{component}'")
    return max(found, key=lambda run: run.info.start_time)


def test_another_split_of_the_trunks_cohort_is_refused(raw: Stage, home: Path, call: Call) -> None:
    other = cohort(raw, seed=7)
    frame = manifest_of(other)
    tested = frame.loc[frame["part.holdout"] == "test", "patient_id"]
    seen = read_patient_set(home)
    assert seen is not None
    count = sum(seen.holds(p) for p in tested)
    assert 0 < count < len(tested)
    done = call(audit, "--preprocess-run", str(other.folder))
    assert done.exit_code == 3, done.output
    sentence = f"encoder_overlap: the encoder was trained on {count} of this task's test patients"
    assert sentence in done.stderr
    refused = call(train, "--audit-run", str(read_stage_of(newest("audit"), "audit").folder))
    assert refused.exit_code == 3
    same = call(audit, "--preprocess-run", str(cohort(raw).folder))
    assert same.exit_code == 0, same.output
    assert "none of this task's 10 test patients" in same.stderr


def read_stage_of(run: Any, component: str) -> Stage:
    from components.core.store import data_root

    return read_stage(data_root() / component / run.data.tags["fingerprint"])


def test_another_cohort_is_audited_trained_and_evaluated(
    call: Call, home: Path, workspace: Workplace
) -> None:
    away = cohort(source(workspace.folder / "away", prefix="q", gain=2.0))
    done = call(audit, "--preprocess-run", str(away.folder))
    assert done.exit_code == 0, done.output
    done = call(train, "--audit-run", newest("audit").info.run_id)
    assert done.exit_code == 0, done.output
    run = newest("train")
    assert run.data.params["model.init_from"].startswith("trunk:")
    for each in (newest("audit"), run):  # nothing of this machine's folders
        told = {**each.data.params, **each.data.tags}
        assert not [k for k, v in told.items() if str(home) in v]
    done = call(evaluate, "--run", run.info.run_id)
    assert done.exit_code == 0, done.output
    assert newest("evaluate").data.metrics["bundle_deviation"] < 1e-5
    first = read_stage_of(newest("evaluate"), "evaluate")
    stats = json.loads((first.folder / "bundle" / "member0" / "norm_stats.json").read_text())
    assert stats["origin"] == VERSION

    listed = read_patient_set(first.folder / "bundle")
    assert listed is not None
    assert listed.complete
    assert len(listed.hashes) == 60  # its own thirty and those of the trunk
    assert listed.holds("p000") or listed.holds("p001")

    again = call(audit, "--preprocess-run", str(cohort(away_of(away), seed=7).folder),
                 reference=newest("evaluate").info.run_id)  # fmt: skip
    assert again.exit_code == 3, again.output
    assert "of this task's test patients" in again.stderr


def away_of(prepared: Stage) -> Stage:
    return read_stage(prepared.input_folder("ingest"))


def test_the_commands_find_what_was_resolved_before(home: Path, raw: Stage, call: Call) -> None:
    from components.core.pretrained import resolve

    own = resolve(task({"init_from": str(home)}))
    print_ = stages.stage_fingerprint("audit", own, cohort(raw).fingerprint)
    done = call(audit, "--preprocess-run", str(cohort(raw).folder))
    assert done.exit_code == 0, done.output
    assert newest("audit").data.tags["fingerprint"] == print_


def test_a_width_that_differs_ends_with_status_2(home: Path, raw: Stage, tmp_path: Path) -> None:
    file = tmp_path / "toy.yaml"
    file.write_text(task({"init_from": str(home), "hidden_size": 1024}).to_yaml())
    arguments = ["--config", str(file), "--preprocess-run", str(cohort(raw).folder)]
    done = CliRunner().invoke(audit, arguments)
    assert done.exit_code == 2
    assert "model.hidden_size is 1024 here and 8 there; set model.hidden_size=8" in done.stderr


def test_a_pipeline_resolves_an_alias_once_for_all_its_stages(
    home: Path, workspace: Workplace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with runs.open_run("toy", "train_toy", {}) as recorder:
        register(recorder.run_id, home, name="toy_head", alias="champion", tags={})
    started = Entries()
    monkeypatch.setattr(mlflow, "run", started.run)
    manifest = workspace.folder / "raw" / "manifest.csv"
    own = task(
        {"init_from": "models:/toy_head@champion"},
        ingest={"source": "manifest", "path": str(manifest), "options": {"manifest": OPTIONS}},
        preprocess={"modalities": ALL, "ecg": ECG, "split": {"method": "holdout", "seed": 7}},
        stages=("ingest", "preprocess", "audit"),
    )
    file = tmp_path / "alias.yaml"
    file.write_text(own.to_yaml())
    done = CliRunner().invoke(pipeline, ["--config", str(file)])
    assert done.exit_code == 3, done.output
    assert "audit: the audit refuses this cohort (encoder_overlap: the encoder" in done.stderr
    name = newest("pipeline").data.params["model.init_from"]
    assert name.startswith("trunk:")
    saved = Path(started.started[-1][1]["config"]).read_text()
    assert f"init_from: {name}" in saved
    assert "models:/" not in saved
