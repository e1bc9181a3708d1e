"""Every fold, every seed, the refit; and the test part stays closed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from components.core.data import batches
from components.core.data.cohort import Rows, read_everyone
from components.core.data.tensors import TensorReader
from components.core.errors import ConfigError, RefusedError
from components.core.store import Stage
from components.train.cli import main
from tests.chain import audited, manifest_of, task_config, trained, write_task


def fit(**more: Any) -> dict[str, Any]:
    return {"epochs": 3, "batch": 16, "device": "cpu", "precision": "fp32"} | more


def history(stage: Stage, member: dict[str, Any]) -> pd.DataFrame:
    return pd.read_parquet(stage.folder / member["folder"] / "history.parquet")


def test_a_holdout_is_trained_once_per_seed(tabular_stage: Stage) -> None:
    told: list[str] = []
    stage = trained(
        audited(tabular_stage),
        task_config(fit=fit(seeds=(0, 1))),
        lambda member, epoch, figures: told.append(member),
    )
    members = stage.facts["members"]
    assert [(m["fold"], m["seed"]) for m in members] == [("holdout", 0), ("holdout", 1)]
    assert told == ["holdout/seed0"] * 3 + ["holdout/seed1"] * 3
    weights = [(stage.folder / m["folder"] / "best.safetensors").read_bytes() for m in members]
    assert weights[0] != weights[1]
    assert stage.counts == {"members": 2, "parameters": stage.counts["parameters"], "epochs": 6}
    checklist = json.loads((stage.folder / "checklist.json").read_text())
    assert list(checklist) == ["holdout"]
    assert "no patient in two parts" in checklist["holdout"]
    assert (stage.folder / "config.yaml").read_text() == task_config(
        fit=fit(seeds=(0, 1))
    ).to_yaml()
    norm = json.loads((stage.folder / members[0]["folder"] / "norm_stats.json").read_text())
    assert norm == json.loads((tabular_stage.folder / "norm_stats" / "holdout.json").read_text())


def test_the_refit_trains_everyone_for_the_median_of_the_best_epochs(folded_stage: Stage) -> None:
    stage = trained(audited(folded_stage), task_config(fit=fit(epochs=6, patience=2, lr=0.05)))
    members = stage.facts["members"]
    assert [m["fold"] for m in members] == ["r0f0", "r0f1", "r0f2", "refit"]
    best = [m["best_epoch"] + 1 for m in members[:3]]
    assert len(set(best)) > 1  # so that the median is no other figure
    assert len(history(stage, members[3])) == round(float(np.median(best)))
    refit = stage.folder / members[3]["folder"]
    assert not (refit / "val_predictions.parquet").exists()
    norm = json.loads((refit / "norm_stats.json").read_text())
    assert norm["records"] == len(read_everyone(folded_stage, "refit")) == 120
    without = trained(audited(folded_stage), task_config(fit=fit(refit=False)))
    assert [m["fold"] for m in without.facts["members"]] == ["r0f0", "r0f1", "r0f2"]


def test_validation_predictions_are_of_the_validation_part(tabular_stage: Stage) -> None:
    stage = trained(audited(tabular_stage), task_config(fit=fit()))
    (member,) = stage.facts["members"]
    val = pd.read_parquet(stage.folder / member["folder"] / "val_predictions.parquet")
    frame = manifest_of(tabular_stage)
    expected = frame.loc[frame["part.holdout"] == "val", "sample_id"]
    assert sorted(val["sample_id"]) == sorted(expected)


def test_the_test_part_is_never_read(ecg_stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[tuple[int, int]] = set()
    batched: set[str] = set()
    plain, raw_batch = TensorReader.ecg, batches.raw_batch

    def ecg(self: TensorReader, shard: Any, row: Any) -> Any:
        read.update(zip(shard.tolist(), row.tolist(), strict=True))
        return plain(self, shard, row)

    def batch(rows: Rows, index: Any) -> Any:
        batched.update(rows.frame["sample_id"].iloc[index])
        return raw_batch(rows, index)

    monkeypatch.setattr(TensorReader, "ecg", ecg)
    monkeypatch.setattr(batches, "raw_batch", batch)
    model = {"name": "ecg+tabular", "width": 4, "depth": 1}
    trained(audited(ecg_stage), task_config(model=model, fit=fit(batch=8)))
    frame = manifest_of(ecg_stage)
    test = frame[frame["part.holdout"] == "test"]
    places = set(zip(test["shard"].astype(int), test["shard_row"].astype(int), strict=True))
    assert len(places) == len(test) == 6
    assert not places & read
    assert batched == set(frame["sample_id"]) - set(test["sample_id"])
    assert len(read) == len(batched)


def test_another_test_part_gives_the_same_model(tabular_stage: Stage, toy_data: Path) -> None:
    """What stands in the test rows cannot matter: change it all, and nothing changes."""
    first = trained(audited(tabular_stage), task_config(fit=fit(lr=0.02)))
    frame = manifest_of(tabular_stage)
    test = frame["part.holdout"] == "test"
    changed = frame.assign(
        **{"tab.x": frame["tab.x"].mask(test, 1e6), "label": frame["label"].mask(test, 0)}
    )
    file = tabular_stage.folder / "manifest.parquet"
    before = file.read_bytes()
    changed.to_parquet(file, index=False)
    try:
        second = trained(
            audited(tabular_stage),
            task_config(title="again", fit=fit(lr=0.02, grad_clip=1.0 + 1e-12)),
        )
    finally:
        file.write_bytes(before)
    assert first.folder != second.folder
    files = ["best.safetensors", "val_predictions.parquet"]
    (member,) = first.facts["members"]
    for name in files:
        assert (first.folder / member["folder"] / name).read_bytes() == (
            second.folder / member["folder"] / name
        ).read_bytes()


def test_a_refused_audit_is_refused_before_anything_is_read(tabular_stage: Stage) -> None:
    audit = audited(tabular_stage, label_auroc=0.51)
    with pytest.raises(RefusedError, match=r"the audit did not pass: .*label_derived_column"):
        trained(audit, task_config(fit=fit()))


def test_a_model_that_the_data_cannot_feed(tabular_stage: Stage) -> None:
    with pytest.raises(ConfigError, match="the model needs an ECG, but the data hold none"):
        trained(audited(tabular_stage), task_config(model={"name": "ecg"}, fit=fit()))


def test_the_command_logs_curves_settings_and_checklist(
    workspace: Any, tabular_stage: Stage, toy_data: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("CARDIO_DATA", str(toy_data / "data"))
    audit = audited(tabular_stage)
    config = write_task(tmp_path, fit=fit(epochs=4, weight_decay=0.02))
    done = CliRunner().invoke(main, ["--config", config, "--audit-run", str(audit.folder)])
    assert done.exit_code == 0, done.output
    client = mlflow.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("toy").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params["fit.weight_decay"] == "0.02"
    assert run.data.params["model.name"] == "tabular"
    curve = client.get_metric_history(run.info.run_id, "val/auprc")
    assert [m.step for m in curve] == [0, 1, 2, 3]
    assert {"train/loss", "val/auroc", "best/val/auroc", "train/parameters"} <= set(
        run.data.metrics
    )
    names = {a.path for a in client.list_artifacts(run.info.run_id)}
    assert {"config.yaml", "checklist.json", "norm_stats"} <= names
