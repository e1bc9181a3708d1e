"""Fits with everything on: equal to the bit, resumable; and fits that diverge."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from components.core.data.cohort import Rows
from components.core.errors import ConfigError
from components.train.fit import BEST
from tests.train.branched import network, run
from tests.train.test_fit import same

Parts = tuple[Rows, Rows]
ALL: dict[str, Any] = {
    "sampler": "balanced", "class_weights": "none", "modality_dropout": 0.3,
    "modulation": "ogm_ge", "lr_multipliers": {"pcg": 2.0, "tabular": 0.5}, "epochs": 5,
}  # fmt: skip


class Diverging(nn.Module):
    """Answers NaN in validation once it has been validated `after` times."""

    def __init__(self, inner: nn.Module, after: int) -> None:
        super().__init__()
        self.inner, self.left = inner, after

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        answer = self.inner(batch)
        if self.training:
            return answer
        self.left -= 1
        return {name: v * (math.nan if self.left < 0 else 1.0) for name, v in answer.items()}


def test_two_fits_are_equal_to_the_bit(branched: Parts, tmp_path: Path) -> None:
    first, second, other = (
        run(branched, tmp_path / name, seed=seed, **ALL)
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert same(first, second)
    assert not same(first, other)


@pytest.mark.parametrize(("broken", "schedule"), [(1, "cosine"), (3, "plateau")])
def test_a_fit_that_was_broken_off_goes_on_as_if_it_had_not_been(
    branched: Parts, tmp_path: Path, broken: int, schedule: str
) -> None:
    settings = ALL | {"schedule": schedule, "patience": 4, "lr": 0.05}
    whole = run(branched, tmp_path / "whole", **settings)

    def stop(epoch: int, figures: dict[str, float]) -> None:
        if epoch == broken:
            raise SystemExit

    with pytest.raises(SystemExit):
        run(branched, tmp_path / "cut", on_epoch=stop, **settings)
    told: list[int] = []
    resumed = run(branched, tmp_path / "cut", on_epoch=lambda e, _: told.append(e), **settings)
    assert told[0] == broken
    assert same(whole, resumed)


@pytest.mark.parametrize(
    "off",
    [{"sampler": "none"}, {"modality_dropout": 0}, {"modulation": "none"}, {"lr_multipliers": {}}],
    ids=lambda off: next(iter(off)),
)
def test_each_setting_is_at_work(branched: Parts, tmp_path: Path, off: dict[str, Any]) -> None:
    first = run(branched, tmp_path / "a", **ALL | {"epochs": 1})
    second = run(branched, tmp_path / "b", **ALL | {"epochs": 1} | off)
    assert not same(first, second)


def test_factors_are_told_and_modulation_alone_makes_them(branched: Parts, tmp_path: Path) -> None:
    found = run(branched, tmp_path, epochs=2, modulation="ogm_ge", modulation_strength=0.5)
    names = [f"train/factor_{name}" for name in ("ecg_image", "pcg", "tabular")]
    factor = found.history[names].to_numpy()
    assert ((factor > 0) & (factor <= 1)).all()
    assert (factor < 1).any()
    plain = run(branched, tmp_path / "plain", epochs=1)
    assert not [name for name in plain.history if "factor" in name]


def test_one_branch_alone_has_nobody_to_be_compared_with(branched: Parts, tmp_path: Path) -> None:
    alone = tuple(part.only("pcg") for part in branched)
    settings: dict[str, Any] = {"epochs": 2, "modality_dropout": 0.9}
    on, off = (
        run((alone[0], alone[1]), tmp_path / name, modulation=name, **settings)
        for name in ("ogm_ge", "none")
    )
    assert (on.folder / BEST).read_bytes() == (off.folder / BEST).read_bytes()
    undropped = run((alone[0], alone[1]), tmp_path / "undropped", epochs=2)
    assert same(off, undropped)


def test_a_batch_that_lacks_a_modality_tells_no_loss_of_it(branched: Parts, tmp_path: Path) -> None:
    train, val = branched
    has = train.arrays["pcg"].there
    order = np.repeat((~has).nonzero()[0][:1], 9)
    # The first epoch's order leaves its last record out of whole batches: the one with a sound.
    order[np.random.default_rng([0, 0]).permutation(9)[-1]] = has.nonzero()[0][0]
    lacking = train.take(order)
    found = run((lacking, val), tmp_path, epochs=1, batch=4, auxiliary=0.5)
    assert "train/loss_pcg" not in found.history
    assert "train/loss_ecg_image" in found.history


def test_a_network_that_diverges_keeps_its_best_epoch(
    branched: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Diverging(network(branched[0]), 2)
    settings: dict[str, Any] = {"epochs": 9, "patience": 8}
    with pytest.raises(ConfigError, match=r"came to figures that are not finite; lower fit.lr"):
        run(branched, tmp_path / "at once", model=Diverging(network(branched[0]), 0), **settings)
    found = run(branched, tmp_path / "later", model=model, name="toy", **settings)
    assert found.history["val/loss"].isna().tolist() == [False, False, True]
    assert found.history["val/auroc"].isna().tolist() == [False, False, True]
    assert found.best_epoch < 2
    assert "toy: diverged in epoch 3, epoch" in capsys.readouterr().err
    assert all(torch.isfinite(v).all() for v in load_file(found.folder / BEST).values())


def test_a_refit_that_diverges_is_no_model(branched: Parts, tmp_path: Path) -> None:
    model = network(branched[0])
    with torch.no_grad():
        model.get_parameter("branches.pcg.absent").fill_(math.nan)
    with pytest.raises(ConfigError, match="training of fold holdout came to figures that are not"):
        run((branched[0], None), tmp_path, model=model, epochs=1)
