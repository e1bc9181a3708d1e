"""Losses against torch's own, weights against scikit-learn's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

from components.core.config.sections import FitConfig
from components.core.data.cohort import Rows
from components.train.losses import class_weights, make_loss, score


def config(**more: Any) -> FitConfig:
    return FitConfig.model_validate(more)


@pytest.fixture
def rows(tabular: tuple[Rows, Rows]) -> Rows:
    return tabular[0]


@pytest.fixture
def weighted(rows: Rows) -> Rows:
    weight = np.random.default_rng(0).uniform(1, 3, len(rows))
    return replace(rows, frame=rows.frame.assign(weight=weight))


def drawn(n: int = 40) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(1)
    logits = torch.randn((n, 2), generator=rng) * 3
    return logits, torch.randint(0, 2, (n,), generator=rng), torch.rand(n, generator=rng) + 0.5


def test_balanced_weights_are_scikit_learns(rows: Rows) -> None:
    expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=rows.label)
    assert class_weights(rows, config()) == pytest.approx(tuple(expected))


def test_balanced_weights_count_patients_by_their_own_weight(weighted: Rows) -> None:
    negative, positive = class_weights(weighted, config())
    sums = [weighted.weight[weighted.label == y].sum() for y in (0, 1)]
    assert negative * sums[0] == pytest.approx(positive * sums[1])
    assert negative * sums[0] + positive * sums[1] == pytest.approx(weighted.weight.sum())


def test_weights_given_or_none(rows: Rows) -> None:
    assert class_weights(rows, config(class_weights=(1, 4))) == (1, 4)
    assert class_weights(rows, config(class_weights="none")) == (1, 1)


def test_cross_entropy_with_class_and_sample_weights(weighted: Rows) -> None:
    logits, label, weight = drawn()
    pair = (1.0, 4.0)
    mean = np.mean(weighted.weight * np.array(pair)[weighted.label])
    each = functional.cross_entropy(logits, label, weight=torch.tensor(pair), reduction="none")
    expected = float((each * weight).mean() / mean)
    found = make_loss(weighted, config(class_weights=pair))(logits, label, weight)
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_binary_cross_entropy_with_pos_weight(rows: Rows) -> None:
    logits, label, weight = drawn()
    share = np.mean(np.where(rows.label == 1, 5.0, 1.0))
    expected = functional.binary_cross_entropy_with_logits(
        logits[:, 1] - logits[:, 0], label.float(), weight=weight / share,
        pos_weight=torch.tensor(5.0),
    )  # fmt: skip
    found = make_loss(rows, config(loss="bce", class_weights=(1, 5)))(logits, label, weight)
    assert float(found) == pytest.approx(float(expected), rel=1e-6)


def test_both_losses_are_the_same_function_of_the_data(rows: Rows) -> None:
    values = [make_loss(rows, config(loss=name))(*drawn()) for name in ("ce", "bce")]
    assert float(values[0]) == pytest.approx(float(values[1]), rel=1e-6)


def test_unweighted_is_the_plain_mean(rows: Rows) -> None:
    logits, label, _ = drawn()
    found = make_loss(rows, config(class_weights="none"))(logits, label, torch.ones(40))
    assert float(found) == pytest.approx(float(functional.cross_entropy(logits, label)), rel=1e-6)


def test_the_score_is_the_log_odds() -> None:
    logits, _, _ = drawn()
    probability = torch.softmax(logits, dim=1)[:, 1]
    torch.testing.assert_close(torch.sigmoid(score(logits)), probability)
