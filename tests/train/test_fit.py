"""The one fit(): it learns, stops, restores, repeats itself and resumes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from sklearn.metrics import average_precision_score, roc_auc_score
from torch.optim.lr_scheduler import ReduceLROnPlateau

from components.core.config.fit import FitConfig
from components.core.config.heads import BinaryHead, HeadMap
from components.core.data.cohort import Rows
from components.core.device import Place
from components.core.members import data_spec
from components.core.models.registry import build_model
from components.train.fit import BEST, FitJob, FitResult, fit, median_epochs, predictions_of

CPU = Place("cpu", "fp32", "test")
TABULAR = {"name": "tabular", "hidden": 8, "dropout": 0.2}
HEADS: HeadMap = {"y": BinaryHead()}
CNN = {"name": "ecg+tabular", "width": 4, "depth": 1, "ecg_hidden": 8, "head_hidden": 8}
AUG = ("noise", "scale", "shift", "leads")
Parts = tuple[Rows, Rows]


def run(
    parts: tuple[Rows, Rows | None],
    folder: Path,
    model: dict[str, Any] = TABULAR,
    *,
    seed: int = 0,
    on_epoch: Any = None,
    **settings: Any,
) -> FitResult:
    plain = {"epochs": 4, "batch": 8, "lr": 0.01, "aug": AUG}
    config = FitConfig.model_validate(plain | settings)
    train, val = parts
    torch.manual_seed(seed)
    network = build_model(model, data_spec(train, leads=8, length=1000, heads={"y": 2}))
    job = FitJob(train=train, val=val, config=config, heads=HEADS, place=CPU, seed=seed,
                 folder=folder, on_epoch=on_epoch)  # fmt: skip
    return fit(network, job)


def same(a: FitResult, b: FitResult) -> bool:
    """Return whether weights, figures and predictions are equal to the bit."""
    assert a.val is not None
    assert b.val is not None
    return (
        (a.folder / BEST).read_bytes() == (b.folder / BEST).read_bytes()
        and a.history.drop(columns="seconds").equals(b.history.drop(columns="seconds"))
        and a.val.equals(b.val)
        and a.best_epoch == b.best_epoch
    )


@pytest.mark.parametrize(("which", "model"), [("tabular", TABULAR), ("ecg", CNN)])
def test_the_loss_falls_and_the_model_ranks(
    which: str, model: dict[str, Any], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    parts: Parts = request.getfixturevalue(which)
    found = run(parts, tmp_path, model, epochs=8, monitor="auroc", aug=(), lr=0.03)
    loss = found.history["train/loss"]
    assert loss.iloc[-1] < 0.8 * loss.iloc[0]
    assert found.history["val/auroc"].max() > 0.7
    assert found.history["epoch"].tolist() == list(range(8))
    assert not list(tmp_path.glob("*.ckpt"))


def test_two_fits_are_equal_to_the_bit(ecg: Parts, tmp_path: Path) -> None:
    first, second, other = (
        run(ecg, tmp_path / name, CNN, epochs=2, seed=seed)
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert same(first, second)
    assert not same(first, other)


def test_early_stopping_restores_the_best_epoch(tabular: Parts, tmp_path: Path) -> None:
    found = run(tabular, tmp_path, epochs=40, patience=3, lr=0.05)
    history = found.history
    assert found.best_epoch == int(history["val/auprc"].to_numpy().argmax())
    assert len(history) == found.best_epoch + 1 + 3 < 40
    assert found.val is not None
    label, logit = found.val["label"].astype(int), found.val["logit"]
    best = history.iloc[found.best_epoch]
    assert best["val/auprc"] == pytest.approx(average_precision_score(label, logit), rel=1e-6)
    assert best["val/auroc"] == pytest.approx(roc_auc_score(label, logit), rel=1e-6)
    assert best["val/auprc"] > history.iloc[-1]["val/auprc"]


def test_the_saved_weights_are_those_that_predicted(tabular: Parts, tmp_path: Path) -> None:
    found = run(tabular, tmp_path, patience=1, epochs=10, lr=0.05)
    model = build_model(TABULAR, data_spec(tabular[0], leads=0, length=0, heads={"y": 2}))
    model.load_state_dict(load_file(found.folder / BEST))
    again = predictions_of(model, tabular[1], HEADS, place=CPU, train=tabular[0])
    pd.testing.assert_frame_equal(again, found.val)
    assert again.columns.tolist() == ["sample_id", "patient_id", "label", "weight", "logit"]


def test_a_monitored_loss_is_minimised(tabular: Parts, tmp_path: Path) -> None:
    found = run(tabular, tmp_path, monitor="loss", epochs=40, lr=0.05, patience=2)
    assert found.best_epoch == int(found.history["val/loss"].to_numpy().argmin())


def test_the_validation_loss_is_the_weighted_mean(tabular: Parts, tmp_path: Path) -> None:
    found = run(tabular, tmp_path, epochs=1, class_weights="none")
    assert found.val is not None
    logit, label = found.val["logit"].to_numpy(), found.val["label"].to_numpy(float)
    each = np.logaddexp(0, logit) - label * logit
    assert found.history["val/loss"][0] == pytest.approx(each.mean(), rel=1e-5)


def test_plateau_is_torchs(tabular: Parts, tmp_path: Path) -> None:
    found = run(tabular, tmp_path, epochs=14, patience=6, lr=0.05, schedule="plateau")
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], lr=0.05)
    schedule = ReduceLROnPlateau(optimiser, mode="max", factor=0.5, patience=2)
    rates = []
    for value in found.history["val/auprc"]:
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step(value)
    assert found.history["lr"].tolist() == rates
    assert rates[-1] < rates[0]


def test_cosine_rises_then_falls_to_nothing(tabular: Parts, tmp_path: Path) -> None:
    found = run(tabular, tmp_path, epochs=10, patience=10, schedule="cosine", warmup=0.2, lr=0.01)
    steps = len(tabular[0]) // 8
    rise, total = int(0.2 * steps * 10), steps * 10
    for epoch, rate in enumerate(found.history["lr"]):
        done = (epoch + 1) * steps
        expected = (
            (done + 1) / rise
            if done < rise
            else 0.5 * (1 + math.cos(math.pi * (done - rise) / (total - rise)))
        )
        assert rate == pytest.approx(0.01 * expected, abs=1e-12)
    assert found.history["lr"].iloc[-1] == pytest.approx(0, abs=1e-12)


def test_without_validation_the_last_epoch_is_kept(tabular: Parts, tmp_path: Path) -> None:
    found = run((tabular[0], None), tmp_path, epochs=3)
    assert (found.best_epoch, found.val) == (2, None)
    assert "val/auroc" not in found.history
    assert found.history["lr"].tolist() == [0.01] * 3


def test_each_epoch_is_told_once(tabular: Parts, tmp_path: Path) -> None:
    told: list[tuple[int, set[str]]] = []
    run(tabular, tmp_path, on_epoch=lambda epoch, figures: told.append((epoch, set(figures))))
    names = {"train/loss", "train/lr", "val/loss", "val/auroc", "val/auprc"}
    assert told == [(epoch, names) for epoch in range(4)]


def test_a_finished_fit_is_not_done_again(tabular: Parts, tmp_path: Path) -> None:
    first = run(tabular, tmp_path)
    told: list[int] = []
    again = run(tabular, tmp_path, on_epoch=lambda epoch, _: told.append(epoch))
    assert told == []
    assert same(first, again)


@pytest.mark.parametrize(("broken", "schedule"), [(1, "cosine"), (3, "plateau")])
def test_a_fit_that_was_broken_off_goes_on_as_if_it_had_not_been(
    ecg: Parts, tmp_path: Path, broken: int, schedule: str
) -> None:
    # A patience of 3 makes the plateau wait for one bad epoch only: its count must survive.
    settings: dict[str, Any] = {"epochs": 6, "patience": 3, "schedule": schedule, "lr": 0.03}
    whole = run(ecg, tmp_path / "whole", CNN, **settings)

    def stop(epoch: int, figures: dict[str, float]) -> None:
        if epoch == broken:
            raise SystemExit

    with pytest.raises(SystemExit):
        run(ecg, tmp_path / "cut", CNN, on_epoch=stop, **settings)
    assert (tmp_path / "cut" / "last.ckpt").exists()
    told: list[int] = []
    resumed = run(
        ecg, tmp_path / "cut", CNN, on_epoch=lambda epoch, _: told.append(epoch), **settings
    )
    assert told[0] == broken  # the epoch that was not finished, and none before it
    assert same(whole, resumed)


def test_one_step_of_adamw_by_hand(tabular: Parts, tmp_path: Path) -> None:
    """One epoch of one batch: torch's own optimiser on the same loss gives the same weights."""
    train, _ = tabular
    settings: dict[str, Any] = {"epochs": 1, "batch": len(train), "weight_decay": 0.1}
    plain = TABULAR | {"dropout": 0.0}
    found = run((train, None), tmp_path, plain, grad_clip=0.01, **settings)
    torch.manual_seed(0)
    model = build_model(plain, data_spec(train, leads=0, length=0, heads={"y": 2}))
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
    logits = model({"tabular": torch.from_numpy(train.tabular)})["y"]
    share = len(train) / (2 * np.bincount(train.label))
    each = torch.nn.functional.cross_entropy(
        logits, torch.from_numpy(train.label), reduction="none",
        weight=torch.tensor(share, dtype=torch.float32),
    )  # fmt: skip
    each.mean().backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.01)
    assert norm > 0.01  # so that the bound is at work
    optimiser.step()
    kept = load_file(found.folder / BEST)
    assert kept.keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        torch.testing.assert_close(kept[name], value, rtol=1e-4, atol=1e-6)


def test_the_median_of_the_best_epochs(tmp_path: Path) -> None:
    def result(best: int) -> FitResult:
        return FitResult(folder=tmp_path, best_epoch=best, history=pd.DataFrame(), val=None)

    assert median_epochs([result(b) for b in (0, 9, 4)]) == 5
    assert median_epochs([result(0)]) == 1
