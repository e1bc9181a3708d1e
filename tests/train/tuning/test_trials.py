"""Trials: what they train on, how they are judged, what they say on the way and leave behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from components.core.config.task import TaskConfig
from components.core.data import batches
from components.core.data.cohort import Rows
from components.core.data.tensors import TensorReader
from components.core.errors import ConfigError, InputError, RefusedError
from components.core.store import Stage
from components.train.run import prepared_cohort
from components.train.tuning import trials
from components.train.tuning.objective import Score
from components.train.tuning.parts import parts_of
from components.train.tuning.trials import TrainedTrials, from_job, job_of
from tests.chain import audited, manifest_of, prepared, task_config, trained, write_ecg_cohort
from tests.chain import ingest_config as ingest
from tests.chain import ingested as ingested_stage

Told = list[tuple[int, float]]


def task(**sections: Any) -> TaskConfig:
    fit = {"epochs": 3, "batch": 16, "lr": 0.02, "device": "cpu", "precision": "fp32"}
    tune = {"objective": "auroc", "inner_folds": 3} | sections.pop("tune", {})
    return task_config(fit=fit | sections.pop("fit", {}), tune=tune, **sections)


def trial(audit: Stage, own: TaskConfig, fold: str = "", **settings: Any) -> tuple[Score, Told]:
    told: Told = []
    objective = TrainedTrials(cohort=prepared_cohort(audit), task=own, fold=fold)
    score = objective(settings, 0, lambda step, value: told.append((step, value)))
    return score, told


def test_the_untuned_trial_scores_what_training_comes_to(holdout: Stage, stages: Path) -> None:
    own = task(fit={"monitor": "auroc"})
    (member,) = trained(holdout, own).facts["members"]
    folder = trained(holdout, own).folder / member["folder"]
    history = pd.read_parquet(folder / "history.parquet")
    val = pd.read_parquet(folder / "val_predictions.parquet")
    score, told = trial(holdout, own)
    label = val["label"].astype(int)
    assert score.value == pytest.approx(roc_auc_score(label, val["logit"]))
    assert score.figures["val/auprc"] == pytest.approx(average_precision_score(label, val["logit"]))
    assert score.figures["val/loss"] == history["val/loss"][member["best_epoch"]]
    assert score.figures["epochs"] == member["best_epoch"] + 1
    assert told == [(i, v) for i, v in enumerate(history["val/auroc"])]
    assert list((stages / "studies" / "scratch").iterdir()) == []


@pytest.mark.parametrize("objective", ["auprc", "loss"])
def test_the_objective_that_the_task_names(holdout: Stage, stages: Path, objective: str) -> None:
    score, told = trial(holdout, task(tune={"objective": objective}))
    assert score.value == score.figures[f"val/{objective}"]
    assert len(told) == 3


def test_several_parts_are_averaged_and_told_one_by_one(folded: Stage, stages: Path) -> None:
    own = task()
    found = TrainedTrials(cohort=prepared_cohort(folded), task=own).outcomes({}, 0)
    score, told = trial(folded, own)
    each = [outcome.figures["val/auroc"] for outcome in found]
    assert len(set(each)) == 2
    assert score.value == np.mean(each)
    assert told == [(0, each[0]), (1, score.value)]
    assert score.figures["epochs"] == np.median([outcome.epochs for outcome in found])


def test_settings_change_the_result_and_the_same_ones_do_not(holdout: Stage, stages: Path) -> None:
    own = task()
    plain, again, other = (
        trial(holdout, own, **settings)[0]
        for settings in ({}, {"model.hidden": 8}, {"model.hidden": 32, "fit.lr": 0.001})
    )
    assert plain == again
    assert plain.figures["val/loss"] != other.figures["val/loss"]


def test_a_pruned_trial_passes_through_training_and_the_next_one_works(
    holdout: Stage, stages: Path
) -> None:
    own = task()
    objective = TrainedTrials(cohort=prepared_cohort(holdout), task=own)
    told: Told = []

    def prune(step: int, value: float) -> None:
        told.append((step, value))
        if step == 1:
            raise optuna.TrialPruned

    with pytest.raises(optuna.TrialPruned):
        objective({}, 0, prune)
    assert [step for step, _ in told] == [0, 1]
    assert list((stages / "studies" / "scratch").iterdir()) == []
    whole, _ = trial(holdout, own)
    assert objective({}, 1, lambda step, value: None) == whole


def test_a_trial_trains_no_variants_and_one_seed(
    holdout: Stage, stages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[Any] = []
    plain = trials.Training.one
    monkeypatch.setattr(
        trials.Training, "one", lambda self, job: jobs.append(job) or plain(self, job)
    )
    trial(holdout, task(fit={"seeds": (5, 6), "ablate": ["tabular"]}))
    assert [job.seed for job in jobs] == [5]


def test_a_trial_says_nothing(
    holdout: Stage, stages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trial(holdout, task())
    assert capsys.readouterr().err == ""


def test_inner_folds_hold_every_patient_of_the_outer_fold_once_and_no_other(
    folded: Stage, stages: Path
) -> None:
    cohort = prepared_cohort(folded)
    frame = manifest_of(cohort)
    test = set(frame.loc[frame["part.r0f0"] == "test", "patient_id"])
    found = parts_of(cohort, task(), "r0f0")
    assert [part.name for part in found] == ["r0f0.i0", "r0f0.i1", "r0f0.i2"]
    held = [set(part.val.frame["patient_id"]) for part in found]
    assert len(test) == 60
    assert set.union(*held) == set(frame["patient_id"]) - test
    assert sum(map(len, held)) == 60
    for part, own in zip(found, held, strict=True):
        seen = set(part.train.frame["patient_id"])
        assert not seen & own
        assert not seen & test
        assert part.train.stats.records == len(part.train)
        shares = [rows.label.mean() for rows in (part.train, part.val)]
        assert shares[0] == pytest.approx(shares[1], abs=0.06)
    again = parts_of(cohort, task(), "r0f0")
    assert [list(p.val.frame["sample_id"]) for p in again] == [
        list(p.val.frame["sample_id"]) for p in found
    ]
    other = parts_of(cohort, task(tune={"seed": 1}), "r0f0")
    assert list(other[0].val.frame["sample_id"]) != list(found[0].val.frame["sample_id"])


def test_the_last_search_deals_everyone(folded: Stage, stages: Path) -> None:
    found = parts_of(prepared_cohort(folded), task(), "refit")
    assert sum(len(part.val) for part in found) == 120


def test_the_fixed_test_part_has_no_search_over_everyone(holdout: Stage, stages: Path) -> None:
    with pytest.raises(RefusedError, match="one fixed test part has no refit on everyone"):
        parts_of(prepared_cohort(holdout), task(), "refit")


def test_the_outer_test_part_is_never_read(
    tuned_data: Path, stages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: set[tuple[int, int]] = set()
    batched: set[str] = set()
    plain, moments, raw_batch = TensorReader.ecg, TensorReader.moments, batches.raw_batch

    def note(shard: Any, row: Any) -> None:
        read.update(zip(shard.tolist(), row.tolist(), strict=True))

    def batch(rows: Rows, index: Any) -> Any:
        batched.update(rows.frame["sample_id"].iloc[index])
        return raw_batch(rows, index)

    write_ecg_cohort(tmp_path, patients=36)
    source = ingested_stage(ingest("manifest", tmp_path, {"tabular": {"age": "numeric"}}))
    cohort = prepared(source, split={"method": "folds", "folds": 2, "repeats": 1})
    audit = audited(cohort)  # which does read the test part
    monkeypatch.setattr(
        TensorReader, "ecg", lambda self, shard, row: note(shard, row) or plain(self, shard, row)
    )
    monkeypatch.setattr(
        TensorReader, "moments", lambda self, s, row: note(s, row) or moments(self, s, row)
    )
    monkeypatch.setattr(batches, "raw_batch", batch)
    own = task(model={"name": "ecg+tabular", "width": 4, "depth": 1}, fit={"batch": 8})
    trial(audit, own, "r0f1")
    frame = manifest_of(cohort)
    test = frame[frame["part.r0f1"] == "test"]
    places = set(zip(test["shard"].astype(int), test["shard_row"].astype(int), strict=True))
    assert len(places) == 18
    assert not places & read
    assert batched == set(frame["sample_id"]) - set(test["sample_id"])


def test_another_outer_test_part_gives_the_same_score(folded: Stage, stages: Path) -> None:
    own = task()
    before, _ = trial(folded, own, "r0f0")
    cohort = prepared_cohort(folded)
    file = cohort.folder / "manifest.parquet"
    kept, frame = file.read_bytes(), manifest_of(cohort)
    test = frame["part.r0f0"] == "test"
    frame.assign(
        **{"tab.x": frame["tab.x"].mask(test, 1e6), "label": frame["label"].mask(test, 0)}
    ).to_parquet(file, index=False)
    try:
        after, _ = trial(folded, own, "r0f0")
    finally:
        file.write_bytes(kept)
    assert after == before


def test_too_few_patients_for_the_inner_folds(folded: Stage, stages: Path) -> None:
    with pytest.raises(
        InputError,
        match=r"fold 'r0f0' has \d+ training and validation patient\(s\) with label \d, fewer than "
        r"the 50 inner folds; lower tune\.inner_folds",
    ):
        parts_of(prepared_cohort(folded), task(tune={"inner_folds": 50}), "r0f0")


@pytest.mark.parametrize(("kind", "reverse"), [("validation", False), ("training", True)])
def test_an_inner_fold_of_one_class_is_refused_before_the_first_trial(
    folded: Stage, stages: Path, monkeypatch: pytest.MonkeyPatch, kind: str, reverse: bool
) -> None:
    """As groups kept whole can leave it."""

    def dealt(stage: Stage, task: TaskConfig, fold: str, frame: pd.DataFrame) -> Any:
        sick = np.flatnonzero(frame["label"] == 1)
        rest = np.setdiff1d(np.arange(len(frame)), sick[2:])
        yield (sick[2:], rest) if reverse else (rest, sick[2:])

    monkeypatch.setattr("components.train.tuning.parts._dealt", dealt)
    with pytest.raises(
        InputError,
        match=rf"the {kind} patients of fold 'r0f0\.i0' all have label 1, so that no trial can be "
        r"judged there; lower tune\.inner_folds",
    ):
        from_job(**job_of(folded, task(), "r0f0"))


@pytest.mark.parametrize("name", ["preprocess.ecg.fs", "label.horizon_days"])
def test_a_trial_leaves_the_data_alone(holdout: Stage, stages: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=f"a trial sets '{name}'; only settings of model and fit"):
        trial(holdout, task(), **{name: 1})


def test_an_unknown_setting(holdout: Stage, stages: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown key '.*hiden'.*did you mean 'hidden'"):
        trial(holdout, task(), **{"model.hiden": 8})


def test_another_process_gets_the_same_objective(folded: Stage, stages: Path) -> None:
    own = task(tune={"storage": "postgresql://me:secret@host/db"})
    job = job_of(folded, own, "r0f0")
    assert "secret" not in str(job)
    found = from_job(**job)
    assert from_job(**job) is found
    assert found({}, 0, lambda step, value: None) == trial(folded, own, "r0f0")[0]


def test_what_killed_trials_left_is_swept(holdout: Stage, stages: Path) -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    dead = trials.scratch_root() / f"{socket.gethostname()}-{done.pid}-3"
    alive = trials.scratch_root() / f"{socket.gethostname()}-{os.getpid()}-3"
    for folder in (dead, alive):
        (folder / "members").mkdir(parents=True)
    trials.sweep()
    assert (dead.exists(), alive.exists()) == (False, True)
    alive.joinpath("members").rmdir()
    alive.rmdir()
