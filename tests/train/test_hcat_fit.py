"""HCAT itself: pretrained, kept by head, broken off and gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from components.core.data.cohort import Rows
from components.core.members import data_spec
from components.core.models.registry import build_model
from tests.train.embedded import Parts, cohort, parts, run
from tests.train.test_fit import same

SMALL: dict[str, Any] = {
    "name": "hcat", "d_model": 8, "n_heads": 2, "n_global_layers": 1, "latent": 4, "kl_warmup": 3,
}  # fmt: skip


def hcat(rows: Rows) -> nn.Module:
    torch.manual_seed(0)
    return build_model(SMALL, data_spec(rows, leads=0, length=0, heads={"toy": 2, "other": 2}))


def test_it_is_pretrained_and_goes_on_alike_when_broken_off(
    data_folder: Path, tmp_path: Path
) -> None:
    rows: Parts = parts(cohort())
    settings: dict[str, Any] = {"epochs": 5, "pretrain_epochs": 3, "checkpoints": "all",
                                "schedule": "restarts", "batch": 32}  # fmt: skip
    whole = run(rows, tmp_path / "whole", model=hcat(rows[0]), **settings)
    own = {f"train/loss_{name}" for name in ("impute", "kl", "consistency", "contrastive")}
    assert own <= set(whole.history)
    assert whole.pretrained == 3
    assert whole.best_epoch >= 3
    error = whole.history["val/impute"]
    assert error.iloc[-1] < error.iloc[0]

    def stop(epoch: int, figures: dict[str, float]) -> None:
        if epoch == 3:
            raise SystemExit

    with pytest.raises(SystemExit):
        run(rows, tmp_path / "cut", model=hcat(rows[0]), on_epoch=stop, **settings)
    assert same(whole, run(rows, tmp_path / "cut", model=hcat(rows[0]), **settings))
