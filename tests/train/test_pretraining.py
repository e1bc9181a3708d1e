"""Imputation first, then the heads; and no epoch is kept whose imputation had not converged."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

from components.core.config.fit import FitConfig
from components.core.data.batches import raw_batch
from components.core.data.finish import Finisher
from components.core.errors import ConfigError
from components.train import callbacks
from components.train.fit import FitResult, median_pretrained
from components.train.hidden import HiddenError
from components.train.phases import Phases
from tests.train.embedded import Linear, Parts, cohort, network, parts, run
from tests.train.test_fit import same


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("data")))
        return parts(cohort())


def phases(errors: list[float | None], **settings: Any) -> list[tuple[bool, bool, int]]:
    """Return per epoch whether the heads learned, whether bests are forgotten, and `since`."""
    config = FitConfig.model_validate({"epochs": 50} | settings)
    told, found = Phases(config), []
    for epoch, error in enumerate(errors):
        learned = told.heads_learn(epoch)
        told.judge(epoch, error)
        found.append((learned, told.fresh, told.since))
    return found


def test_pretraining_goes_on_until_imputation_stops_improving() -> None:
    errors: list[float | None] = [1.0, 0.8, 0.6, 0.599, 0.598, 0.597, 0.596]
    found = phases(errors, pretrain_epochs=20, pretrain_patience=2)
    assert [learned for learned, _, _ in found] == [False] * 5 + [True] * 2
    assert [fresh for _, fresh, _ in found] == [True] * 6 + [False]
    assert found[-1][2] == 5


def test_pretraining_is_bounded() -> None:
    falling: list[float | None] = [0.9**epoch for epoch in range(6)]
    found = phases(falling, pretrain_epochs=3, pretrain_patience=2)
    assert [learned for learned, _, _ in found] == [False] * 3 + [True] * 3


@pytest.mark.parametrize("error", [None, math.nan])
def test_without_a_figure_all_epochs_of_pretraining_are_done_or_patience_ends_them(
    error: float | None,
) -> None:
    found = phases([error] * 6, pretrain_epochs=4, pretrain_patience=2)
    expected = 4 if error is None else 2
    assert [learned for learned, _, _ in found] == [False] * expected + [True] * (6 - expected)


def test_a_clear_improvement_beside_the_heads_forgets_their_best_epochs() -> None:
    errors: list[float | None] = [1.0, 0.97, 0.949, 0.94, 0.93, 0.91, 0.89]
    found = phases(errors)
    # Each is compared with the last clear one: 1, then 0.949, then 0.89.
    assert [fresh for _, fresh, _ in found] == [True, False, True, False, False, False, True]
    assert [since for _, _, since in found] == [0, 0, 2, 2, 2, 2, 6]


def test_phases_go_on_from_their_state() -> None:
    config = FitConfig(epochs=50, pretrain_epochs=20, pretrain_patience=3)
    errors = [1.0, 0.9, 0.9, 0.9, 0.9, 0.8]
    whole, cut = Phases(config), Phases(config)
    for epoch, error in enumerate(errors):
        whole.judge(epoch, error)
        again = Phases(config)
        again.load_state_dict(cut.state_dict())
        again.judge(epoch, error)
        cut = again
        assert (cut.begin, cut.since, cut.fresh) == (whole.begin, whole.since, whole.fresh)


def test_heads_do_not_learn_while_pretraining(rows: Parts, tmp_path: Path) -> None:
    model = network(rows[0])
    before = {k: v.clone() for k, v in model.heads.state_dict().items()}
    moved: list[bool] = []

    def look(epoch: int, figures: dict[str, float]) -> None:
        now = model.heads.state_dict()
        moved.append(any(not torch.equal(before[k], v) for k, v in now.items()))

    found = run(rows, tmp_path, model=model, epochs=6, pretrain_epochs=3, on_epoch=look)
    assert moved == [False] * 3 + [True] * 3
    history = found.history
    assert history["train/pretraining"].tolist() == [1, 1, 1, 0, 0, 0]
    assert history["train/loss_main"].isna().tolist() == [True] * 3 + [False] * 3
    own, main, total = (history[f"train/loss{end}"] for end in ("_impute", "_main", ""))
    assert total[:3].tolist() == own[:3].tolist()
    assert total[3:].to_numpy() == pytest.approx((own + main)[3:].to_numpy(), rel=1e-6)
    assert found.pretrained == 3
    assert found.best_epoch >= 3
    assert model.epochs == list(range(6))


def test_a_stopped_training_keeps_no_epoch_of_unconverged_imputation(
    rows: Parts, tmp_path: Path
) -> None:
    """Without pretraining the heads are best at once; the kept epoch still imputes."""
    settings: dict[str, Any] = {"epochs": 60, "patience": 2, "monitor": "auroc", "lr": 0.01}
    joint = run(rows, tmp_path / "joint", **settings)
    first = run(rows, tmp_path / "first", pretrain_epochs=40, pretrain_patience=3, **settings)
    assert 0 < first.pretrained < 40
    for found in (joint, first):
        error = found.history["val/impute"].to_numpy()
        assert error[found.best_epoch] < 0.66
        assert error.min() > 0.94 * error[found.best_epoch]
        assert found.best_epoch >= found.pretrained
    # The heads alone would have kept an epoch whose imputation had hardly begun.
    naive = int(joint.history["val/auroc"].to_numpy().argmax())
    assert naive < joint.best_epoch
    assert joint.history["val/impute"][naive] > 0.75


def test_an_epoch_is_one_readable_line(
    rows: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(callbacks, "_LINE_SECONDS", 0.0)
    run(rows, tmp_path, epochs=2, pretrain_epochs=1, name="train r2f4")
    lines = [line for line in capsys.readouterr().err.splitlines() if "records/s" in line]
    first, second = lines
    assert "epoch 1/2 (pretraining) loss " in first
    assert "(pretraining)" not in second
    assert " impute " in second
    assert max(len(line) for line in lines) <= 120


def test_a_model_without_losses_of_its_own_is_refused(rows: Parts, tmp_path: Path) -> None:
    for model in (network(rows[0], alpha=0.0), Plain()):
        with pytest.raises(ConfigError, match=r"own losses alone, but a \w+ has none that counts"):
            run(rows, tmp_path, model=model, pretrain_epochs=2)


def test_a_model_that_promises_losses_and_returns_none(rows: Parts, tmp_path: Path) -> None:
    silent = Silent(network(rows[0]))
    with pytest.raises(ConfigError, match="the model returned no loss of its own in a training"):
        run(rows, tmp_path, model=silent, pretrain_epochs=2)


class Plain(nn.Module):
    """Answers at random, with a parameter to learn."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2))

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        answer = self.weight.expand(len(batch["weight"]), 2)
        return {"toy": answer, "other": answer}


class Silent(Plain):
    """Names weights of losses that it never returns."""

    def __init__(self, inner: Linear) -> None:
        super().__init__()
        self.loss_weights = inner.loss_weights


@pytest.mark.parametrize(("broken", "schedule"), [(2, "restarts"), (5, "restarts"), (6, "plateau")])
def test_a_pretrained_fit_that_was_broken_off_goes_on_alike(
    rows: Parts, tmp_path: Path, broken: int, schedule: str
) -> None:
    settings: dict[str, Any] = {
        "epochs": 12, "pretrain_epochs": 9, "pretrain_patience": 1, "patience": 3, "lr": 0.05,
        "schedule": schedule, "restart_epochs": 2, "checkpoints": "all", "keep": "mean",
    }  # fmt: skip
    whole = run(rows, tmp_path / "whole", **settings)
    assert 2 < whole.pretrained < 9
    assert len(whole.history) > broken

    def stop(epoch: int, figures: dict[str, float]) -> None:
        if epoch == broken:
            raise SystemExit

    with pytest.raises(SystemExit):
        run(rows, tmp_path / "cut", on_epoch=stop, **settings)
    again = network(rows[0])
    resumed = run(rows, tmp_path / "cut", model=again, **settings)
    assert same(whole, resumed)
    assert (whole.folder / "fit.json").read_text() == (resumed.folder / "fit.json").read_text()
    assert again.epochs[0] == broken
    for file in whole.folder.glob("*.safetensors"):
        assert file.read_bytes() == (resumed.folder / file.name).read_bytes()


def test_warm_restarts_are_torchs_and_begin_anew_with_the_heads(
    rows: Parts, tmp_path: Path
) -> None:
    steps = len(rows[0]) // 16
    settings: dict[str, Any] = {"schedule": "restarts", "restart_epochs": 2, "restart_factor": 2,
                                "patience": 20, "epochs": 9}  # fmt: skip
    plain = run(rows, tmp_path / "plain", **settings)
    first = run(rows, tmp_path / "first", pretrain_epochs=3, pretrain_patience=9, **settings)
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.02)
    schedule = CosineAnnealingWarmRestarts(optimiser, T_0=2 * steps, T_mult=2)
    rates = []
    for _ in range(9):
        for _ in range(steps):
            optimiser.step()
            schedule.step()
        rates.append(optimiser.param_groups[0]["lr"])
    assert plain.history["lr"].tolist() == pytest.approx(rates)
    assert first.history["lr"].tolist() == pytest.approx([*rates[:3], *rates[:6]])


def off_by_half(rows: Parts) -> tuple[Any, dict[str, Tensor]]:
    """Return a network that imputes 0.5 everywhere, and the validation records."""
    val = rows[1]
    model = network(rows[0]).eval()
    with torch.no_grad():
        for each in model.map.values():
            each.bias.fill_(0.5)
    return model, Finisher(val.stats)(raw_batch(val, np.arange(len(val))))


def test_the_figure_is_the_squared_error_relative_to_the_means(rows: Parts) -> None:
    model, batch = off_by_half(rows)
    errors, own = HiddenError(), {}
    errors.add(model, batch)
    there = {name: (batch[f"{name}_mask"] > 0).numpy() for name in model.names}
    several = np.sum(list(there.values()), axis=0) > 1
    for name in model.names:
        truth = batch[name].numpy()[there[name] & several]
        own[name] = ((truth - 0.5) ** 2).sum() / (truth**2).sum()
    assert errors.take() == pytest.approx(np.mean(list(own.values())), rel=1e-5)
    assert errors.take() is None


def test_an_entry_that_is_lacking_has_no_error(rows: Parts) -> None:
    model, batch = off_by_half(rows)
    figures = []
    for off in (0.0, 3.0):
        errors, changed = HiddenError(), dict(batch)
        for name in model.names:
            known = torch.ones_like(batch[name])
            known[:, 0] = 0
            own = torch.where(known > 0, batch[name], 0.0)
            changed |= {f"{name}_known": known, name: own}
            model.map[name].bias.data[0] = off
        errors.add(model, changed)
        figures.append(errors.take())
    assert figures[0] == figures[1]


def test_what_is_hidden_reaches_the_model_as_absent(rows: Parts) -> None:
    seen: list[dict[str, Tensor]] = []

    class Watching(Linear):
        def impute(self, batch: dict[str, Tensor]) -> Any:
            seen.append(batch)
            return super().impute(batch)

    val = rows[1]
    model = network(rows[0])
    model.__class__ = Watching
    batch = Finisher(val.stats)(raw_batch(val, np.arange(len(val))))
    quality = {f"{name}_quality": batch[f"{name}_mask"].clone() for name in model.names}
    HiddenError().add(model, batch | quality)
    assert len(seen) == 3
    for name, each in zip(model.names, seen, strict=True):
        assert not each[name].any()
        assert not each[f"{name}_mask"].any()
        assert not each[f"{name}_quality"].any()
        others = [each[f"{other}_mask"] for other in model.names if other != name]
        assert bool((sum(others) > 0).all())
    assert all(bool(batch[name].any()) for name in model.names)


def test_without_validation_pretraining_is_as_long_as_it_says(rows: Parts, tmp_path: Path) -> None:
    found = run((rows[0], None), tmp_path, epochs=5, pretrain_epochs=2, checkpoints="all")
    assert (found.pretrained, found.best_epoch) == (2, 4)
    assert set(found.checkpoints) == {"kept", "final"}
    names = {file.name for file in tmp_path.glob("*.safetensors")}
    assert names == {"best.safetensors", "final.safetensors"}


def test_a_refit_pretrains_for_the_median(tmp_path: Path) -> None:
    def result(pretrained: int) -> FitResult:
        return FitResult(folder=tmp_path, best_epoch=pretrained + 1, history=pd.DataFrame(),
                         val=None, pretrained=pretrained)  # fmt: skip

    assert median_pretrained([result(p) for p in (0, 9, 4)], 20) == 4
    assert median_pretrained([result(9)], 5) == 4
