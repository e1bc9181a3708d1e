"""Balanced draws: who is drawn how often, and probabilities at the true prior afterwards."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from components.core.config.fit import FitConfig
from components.core.config.heads import BinaryHead, ClassesHead, HeadConfig, SurvivalHead
from components.core.data.batches import loader
from components.core.data.cohort import Rows
from components.core.errors import ConfigError
from components.core.heads.registry import View, outputs_of
from components.core.models.blocks.mlp import Heads
from components.train.balance import balance_of
from components.train.fit import FitResult
from components.train.prior import TruePrior, chances, counts_of
from tests.train.test_fit import TABULAR, run

Y = View(name="y", head=BinaryHead())
GRADES = ("low", "high")
DRAWN = {"sampler": "balanced", "class_weights": "none"}


class Net(nn.Module):
    """Two heads on one feature."""

    def __init__(self, outputs: dict[str, int]) -> None:
        super().__init__()
        self.heads = Heads(1, outputs, hidden=4, dropout=0.0)


def labelled(rows: Rows, label: list[int | None]) -> Rows:
    """Return the first rows with other labels."""
    taken = rows.take(np.arange(len(label)))
    return replace(taken, frame=taken.frame.assign(label=pd.array(label, dtype="Int8")))


def known_risk(rows: Rows, *, n: int, seed: int, weights: tuple[float, float]) -> Rows:
    """Return `n` records of P(y | x) = sigmoid(1.5 x - 2.5), weighted by class."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = (rng.random(n) < 1 / (1 + np.exp(2.5 - 1.5 * x))).astype(int)
    ids = [f"{seed}-{i}" for i in range(n)]
    frame = pd.DataFrame({"sample_id": ids, "patient_id": ids, "label": pd.array(y, dtype="Int8"),
                          "weight": np.array(weights)[y]})  # fmt: skip
    values = np.zeros((n, rows.tabular.shape[1]), np.float32)
    values[:, 0] = x
    empty = np.zeros((n, 0), np.float32)
    return Rows(frame=frame, reader=None, tabular=values, stats=rows.stats, text=empty,
                text_mask=np.zeros(n, np.bool_))  # fmt: skip


def fitted(rows: Rows, folder: Path, weights: tuple[float, float]) -> tuple[FitResult, Rows, Rows]:
    train = known_risk(rows, n=4000, seed=1, weights=weights)
    val = known_risk(rows, n=4000, seed=2, weights=weights)
    found = run((train, val), folder, TABULAR | {"dropout": 0.0}, epochs=6, batch=100, lr=0.02,
                monitor="loss", **DRAWN)  # fmt: skip
    return found, train, val


def gap(logit: np.ndarray, true: np.ndarray) -> float:
    """Return the greatest |mean predicted - mean true probability| over fifths of the true one."""
    p, q = (1 / (1 + np.exp(-each)) for each in (logit, true))
    fifths = np.array_split(np.argsort(true), 5)
    return max(abs(p[own].mean() - q[own].mean()) for own in fifths)


@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.0, 2.0)])
def test_probabilities_are_those_of_the_true_prior(
    tabular: tuple[Rows, Rows], tmp_path: Path, weights: tuple[float, float]
) -> None:
    found, train, val = fitted(tabular[0], tmp_path, weights)
    assert found.val is not None
    logit = found.val["logit"].to_numpy()
    # Weights of censoring say how many each record stands for; they must count once.
    true = 1.5 * val.tabular[:, 0].astype(float) - 2.5 + math.log(weights[1] / weights[0])
    shift = counts_of(Y, train).shift
    assert shift > 1.5
    assert gap(logit, true) < 0.04
    assert gap(logit + shift, true) > 0.25
    label, weight = val.label, val.weight
    each = np.logaddexp(0, logit) - label * logit
    scale = np.mean(train.weight)  # the loss's weights have a mean of 1 over the training part
    best = found.history["val/loss"][found.best_epoch]
    assert best == pytest.approx(np.mean(each * weight) / scale, rel=1e-4)


def test_both_classes_come_equally_often_and_others_keep_their_share(
    tabular: tuple[Rows, Rows],
) -> None:
    rows = labelled(tabular[0], [1, 0, 0, 0, None, 0, 0, None])
    each = chances(Y, rows)
    label = rows.frame["label"].astype("Float64").to_numpy(float, na_value=np.nan)
    assert each.sum() == pytest.approx(1)
    assert each[label == 1].sum() == pytest.approx(6 / 8 / 2)
    assert each[label == 0].tolist() == pytest.approx([6 / 8 / 2 / 5] * 5)
    assert each[np.isnan(label)].tolist() == pytest.approx([1 / 8] * 2)


def test_draws_depend_on_seed_and_epoch_and_are_balanced(tabular: tuple[Rows, Rows]) -> None:
    rows = tabular[0]

    def drawn(epoch: int, seed: int = 0) -> torch.Tensor:
        found = loader(rows, batch=8, seed=seed, shuffle=True, chances=chances(Y, rows))
        found.sampler.set_epoch(epoch)  # type: ignore[union-attr]
        return torch.cat([batch["label"] for batch in found])

    assert len(drawn(0)) == len(rows) // 8 * 8
    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))
    assert not torch.equal(drawn(1), drawn(1, seed=1))
    skewed = labelled(rows, [1] * 4 + [0] * 36)
    found = loader(skewed, batch=40, seed=0, shuffle=True, chances=chances(Y, skewed))
    shares = []
    for epoch in range(200):
        found.sampler.set_epoch(epoch)  # type: ignore[union-attr]
        shares.append(float(next(iter(found))["label"].float().mean()))
    # 8,000 draws: three standard errors of a half.
    assert np.mean(shares) == pytest.approx(0.5, abs=0.017)


@pytest.mark.parametrize(
    "head",
    [
        BinaryHead(),
        ClassesHead(target="g", classes=GRADES),
        ClassesHead(target="g", classes=GRADES, ordinal=True),
    ],
    ids=["binary", "two classes", "one logit"],
)
def test_the_shift_lies_in_the_last_bias_of_that_head_alone(
    tabular: tuple[Rows, Rows], head: HeadConfig
) -> None:
    rows = labelled(tabular[0], [1] * 3 + [0] * 21)
    model = Net(outputs_of({"y": head, "other": BinaryHead()}))
    x = torch.randn(5, 1)
    before = model.heads(x)
    view = View(name="y", head=head)
    prior = TruePrior(view, model, rows)
    after = model.heads(x)
    torch.testing.assert_close(after["other"], before["other"])
    torch.testing.assert_close(view.log_odds(after), view.log_odds(before) - math.log(7))
    drawn = prior.as_drawn(after)
    torch.testing.assert_close(drawn["y"], before["y"])
    assert drawn["other"] is after["other"]


def test_other_heads_have_no_such_shift(tabular: tuple[Rows, Rows]) -> None:
    for head in (SurvivalHead(), ClassesHead(target="g", classes=("a", "b", "c"))):
        view = View(name="y", head=head)
        with pytest.raises(
            ConfigError, match=f"needs a primary head of two classes; 'y' is of the kind "
            f"'{head.kind}'"
        ):  # fmt: skip
            TruePrior(view, Net(outputs_of({"y": head})), tabular[0])


def test_one_class_cannot_be_balanced(tabular: tuple[Rows, Rows]) -> None:
    with pytest.raises(ConfigError, match=r"'y', but the training part has one only; bring more"):
        TruePrior(Y, Net({"y": 2}), labelled(tabular[0], [0, 0]))


def test_a_model_without_such_a_bias(tabular: tuple[Rows, Rows]) -> None:
    with pytest.raises(ConfigError, match="last bias of 'y', but a Linear has none"):
        TruePrior(Y, nn.Linear(1, 2), tabular[0])


@pytest.mark.parametrize(
    ("settings", "strategy", "shift", "said"),
    [
        (DRAWN, "sampler", math.log(3), "drawn equally often.* \\(\\+1.099\\) is taken back"),
        ({}, "class_weights", 0, "give both classes the same total weight"),
        ({"class_weights": "none"}, "none", 0, "classes are not balanced"),
        ({"class_weights": (1, 2.5)}, "class_weights", 0, "1 \\(without\\) and 2.5 \\(with"),
    ],
)
def test_the_distribution_is_told(
    tabular: tuple[Rows, Rows], settings: dict[str, object], strategy: str, shift: float, said: str
) -> None:
    rows = labelled(tabular[0], [1] * 2 + [0] * 6 + [None] * 2)
    found = balance_of({"y": BinaryHead()}, rows, FitConfig.model_validate(settings))
    assert (found["records"], found["negatives"], found["positives"]) == (10, 6, 2)
    assert (found["head"], found["prevalence"], found["strategy"]) == ("y", 0.25, strategy)
    assert found["shift"] == pytest.approx(shift)
    words, _, how = found["said"].partition("; ")
    assert words == "2 with the event (25.0 %), 6 without, 2 of unknown truth"
    assert re.search(said, how)


def test_nobody_s_truth_is_known(tabular: tuple[Rows, Rows]) -> None:
    rows = labelled(tabular[0], [None, None])
    found = balance_of({"y": BinaryHead()}, rows, FitConfig())
    assert found["prevalence"] is None
    assert found["said"].startswith("0 with the event, 0 without, 2 of unknown truth; ")
