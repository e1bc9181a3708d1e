"""Contributions while a network of branches is trained, and what the training keeps of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from components.core import store
from components.core.config.fit import FitConfig
from components.core.config.heads import BinaryHead
from components.core.contribution_facts import read
from components.core.data.cohort import read_part
from components.core.device import Place
from components.core.members import data_spec
from components.core.models.registry import build_model
from components.core.store import Stage
from components.train import contributed, publish
from components.train import fit as fitting
from components.train.contributions_monitor import ContributionsMonitor, monitors
from components.train.fit import BEST, FitJob, FitResult, fit
from tests.chain import task_config, trained
from tests.core.test_contribution_facts import network

CPU = Place("cpu", "fp32", "test")
MODEL = {"name": "multimodal", "image_width": 4, "image_depth": 1, "sound_width": 4,
         "sound_depth": 1, "hidden": 4, "head_hidden": 4}  # fmt: skip
NAMES = ("tabular", "ecg_image", "pcg")
FIT = {"epochs": 3, "batch": 8, "lr": 0.01, "monitor": "loss", "device": "cpu", "precision": "fp32"}
Make = Callable[..., Stage]


@pytest.fixture
def stage(cohort: Make) -> Stage:
    return cohort(patients=80, ecg=False, arrays=("ecg_image", "pcg"))


def job(stage: Stage, folder: Path, val: bool = True) -> FitJob:
    train, checked = (read_part(stage, "holdout", part) for part in ("train", "val"))
    return FitJob(train=train, val=checked if val else None, config=FitConfig.model_validate(FIT),
                  heads={"toy": BinaryHead()}, place=CPU, seed=0, folder=folder)  # fmt: skip


def one(made: FitJob) -> FitResult:
    torch.manual_seed(0)
    spec = data_spec(made.train, leads=8, length=128, heads={"toy": 2})
    return fit(build_model(MODEL, spec), made)


def audit_of(stage: Stage) -> Stage:
    return store.build("audit", "a" * 32, config={}, inputs={"preprocess": stage.fingerprint},
                       compute=lambda work: work.facts.update(refused=""))[0]  # fmt: skip


def test_every_epoch_has_shares_falls_and_accuracy(stage: Stage, tmp_path: Path) -> None:
    told: list[dict[str, float]] = []
    made = job(stage, tmp_path)
    found = one(FitJob(**{**vars(made), "on_epoch": lambda epoch, figures: told.append(figures)}))
    history = found.history
    shares = history[[f"contrib/{name}" for name in NAMES]].dropna()
    assert len(shares) > 0
    assert shares.sum(axis=1).tolist() == pytest.approx([1.0] * len(shares))
    assert {f"contrib_perm/{name}" for name in NAMES} <= set(history)
    assert set(told[0]) - {"train/lr"} <= set(history)
    assert found.val is not None
    weight, label = found.val["weight"], found.val["label"].astype(int)
    right = (found.val["logit"] >= 0).astype(int) == label
    kept = history["val/accuracy"].iloc[found.best_epoch]
    assert kept == pytest.approx((right * weight).sum() / weight.sum())


def test_watching_changes_nothing(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = one(job(stage, tmp_path / "a"))
    monkeypatch.setattr(fitting, "monitors", lambda model, job: [])
    plain = one(job(stage, tmp_path / "b"))
    assert (watched.folder / BEST).read_bytes() == (plain.folder / BEST).read_bytes()
    assert (
        watched.history[plain.history.columns]
        .drop(columns="seconds")
        .equals(plain.history.drop(columns="seconds"))
    )


def test_no_monitor_without_branches_or_a_validation_part(stage: Stage, tmp_path: Path) -> None:
    made = job(stage, tmp_path)
    spec = data_spec(made.train, leads=8, length=128, heads={"toy": 2})
    branches = build_model(MODEL, spec)
    assert len(monitors(branches, made)) == 1
    assert monitors(build_model({"name": "tabular"}, spec), made) == []
    assert monitors(branches, job(stage, tmp_path, val=False)) == []


def test_a_monitor_without_a_validation_part_is_silent(stage: Stage, tmp_path: Path) -> None:
    silent = ContributionsMonitor(job(stage, tmp_path, val=False))
    # Neither is looked at: there is nothing to measure on.
    nothing: Any = None
    silent.on_validation_epoch_end(nothing, nothing)


def test_a_training_keeps_its_contributions(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    task = task_config(model=MODEL, fit=FIT | {"seeds": (0, 1)})
    done = trained(audit_of(stage), task)
    networks = read(done.facts)
    assert [(each.fold, each.seed) for each in networks] == [("holdout", 0), ("holdout", 1)]
    shown = capsys.readouterr().err
    for each, member in zip(networks, done.facts["members"], strict=True):
        history = pd.read_parquet(done.folder / member["folder"] / "history.parquet")
        row = history.iloc[member["best_epoch"]]
        assert each.epoch == member["best_epoch"]
        assert each.auroc == pytest.approx(row["val/auroc"])
        assert each.fall == pytest.approx({name: row[f"contrib_perm/{name}"] for name in NAMES})
        assert each.share == pytest.approx(
            {name: row[f"contrib/{name}"] for name in NAMES}, nan_ok=True
        )
        assert sum(each.phi.values()) == pytest.approx(each.auroc - 0.5)
        assert f"contributions of holdout, seed {each.seed}, epoch {each.epoch + 1}:" in shown
    assert len(done.facts["contributions"][0]["subsets"]) == 8
    pictures = [path.parent.name for path in done.folder.rglob("training_history.png")]
    assert pictures == ["seed0"]


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_modality_that_is_always_there_is_learned_without_by_dropout_alone(
    stage: Stage, capsys: pytest.CaptureFixture[str], dropout: float
) -> None:
    task = task_config(model=MODEL, fit=FIT | {"modality_dropout": dropout})
    (found,) = read(trained(audit_of(stage), task).facts)
    # Pictures and sounds are missing of some, clinical fields of nobody.
    assert found.untaught == (() if dropout else ("tabular",))
    warned = "  warning: no training record lacked the table and none" in capsys.readouterr().err
    assert warned == (not dropout)


def test_a_model_without_branches_keeps_none(stage: Stage) -> None:
    done = trained(audit_of(stage), task_config())
    assert "contributions" not in done.facts
    assert not list(done.folder.rglob("training_history.png"))


def test_the_picture_and_the_best_shares_are_published(cohort: Make) -> None:
    folds = cohort(patients=80, ecg=False, arrays=("ecg_image", "pcg"), folds=("r0f0", "r0f1"))
    task = task_config(model=MODEL, fit=FIT | {"epochs": 1, "refit": False})
    done = trained(audit_of(folds), task)
    recorder = Recorded()
    publish.stage(done, recorder)  # type: ignore[arg-type]
    pictures = [under for name, under in recorder.files if name == contributed.PICTURE]
    assert pictures == ["history/r0f0", "history/r0f1"]
    mean = sum(each.fall["pcg"] for each in read(done.facts)) / 2
    assert recorder.told["best/contrib_perm/pcg"] == pytest.approx(mean)


def test_one_fold_s_picture_stands_alone(stage: Stage) -> None:
    recorder = Recorded()
    publish.stage(trained(audit_of(stage), task_config(model=MODEL, fit=FIT)), recorder)  # type: ignore[arg-type]
    assert (contributed.PICTURE, None) in recorder.files


class Recorded:
    """What a recorder was told."""

    def __init__(self) -> None:
        self.files: list[tuple[str, str | None]] = []
        self.told: dict[str, float] = {}

    def artifact(self, file: Path, under: str | None = None) -> None:
        self.files.append((file.name, under))

    def metrics(self, values: dict[str, float], step: int = 0) -> None:
        self.told |= values


def test_shares_outside_the_targets_are_said() -> None:
    assert contributed.said([network(0.0, 0.1, 0.1)]) == [
        "train: contributions of holdout, seed 0, epoch 4: tabular 50.0 %, ecg_image 0.0 %, pcg "
        "50.0 %; AUROC on validation 0.700",
        "  note: the table contributes 50.0 %, above 40 %",
        "  warning: the ECG image contributes 0.0 %, below 10 %",
        "  note: the heart sound contributes 50.0 %, above 40 %",
    ]


def test_nothing_is_said_of_nothing() -> None:
    assert contributed.tell([]) == {}
