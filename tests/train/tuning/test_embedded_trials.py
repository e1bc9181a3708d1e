"""Trials of a model that is pretrained, and whose objective may be the mean of several heads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.core import store
from components.core.config.task import TaskConfig
from components.core.store import Stage
from components.train.tuning.objective import Score
from components.train.tuning.parts import parts_of
from components.train.tuning.searches import Search
from components.train.tuning.space import search_space
from components.train.tuning.trials import TrainedTrials
from tests.chain import task_config
from tests.train.embedded import NAMES, cohort

HEADS: dict[str, Any] = {
    "toy": {"kind": "binary"},
    "other": {"kind": "binary", "target": "other", "above": 0.5},
}
Told = list[tuple[int, float]]
pytestmark = pytest.mark.usefixtures("linear_model", "data_folder")


def task(folds: int = 0, **tune: Any) -> TaskConfig:
    own = {"epochs": 6, "pretrain_epochs": 3, "batch": 16, "lr": 0.02, "device": "cpu",
           "precision": "fp32", "monitor": "auroc"}  # fmt: skip
    return task_config(model={"name": "linear"}, heads=HEADS, fit=own,
                       tune={"inner_folds": 2, "objective": "auroc"} | tune)  # fmt: skip


def trial(stage: Stage, own: TaskConfig) -> tuple[Score, Told]:
    told: Told = []
    score = TrainedTrials(cohort=stage, task=own)({}, 0, lambda step, value:
                                                  told.append((step, value)))  # fmt: skip
    return score, told


def test_a_trial_tells_nothing_while_it_is_pretrained() -> None:
    score, told = trial(cohort(), task())
    assert [step for step, _ in told] == [0, 1, 2]
    assert score.value == score.figures["val/auroc"]
    assert score.figures["epochs"] > 3


def test_the_objective_may_be_the_mean_of_the_heads() -> None:
    stage, own = cohort(), task(heads="mean")
    score, told = trial(stage, own)
    assert score.value == score.figures["val/auroc_mean"] != score.figures["val/auroc"]
    (outcome,) = TrainedTrials(cohort=stage, task=own).outcomes({}, 0)
    assert outcome.figures["val/auroc_mean"] == score.value
    assert max(value for _, value in told) >= score.value


def test_the_model_suggests_and_pruning_counts_epochs_of_the_heads() -> None:
    own = task()
    assert "model.alpha_impute" in search_space(own)
    found = Search(name="a", fold="", fits=1, shown=True, about={})
    assert found.steps(own) == 3


def test_inner_folds_have_statistics_of_the_embeddings() -> None:
    for part in parts_of(cohort(), task(), "f0"):
        assert set(part.train.stats.arrays) == set(NAMES)
        moments = [part.train.arrays["emb_clinical"].values(np.flatnonzero(there))
                   for there in [part.train.arrays["emb_clinical"].there]]  # fmt: skip
        assert part.train.stats.arrays["emb_clinical"].mean == pytest.approx(
            moments[0].mean(0), rel=1e-5
        )
    assert store.data_root().is_dir()
