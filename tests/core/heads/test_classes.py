"""Ordered categories: probabilities, the order of the boundaries, prior shares undone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from components.core.config.fit import FitConfig
from components.core.config.heads import ClassesHead
from components.core.heads.classes import (
    answers,
    boundaries,
    calibrate,
    log_odds,
    log_probabilities,
    make_loss,
    outputs,
)
from components.core.heads.registry import Case
from components.core.heads.weights import evened_out

NAMES = ("low", "moderate", "high")
PLAIN = ClassesHead(target="risk", classes=NAMES)
ORDINAL = ClassesHead(target="risk", classes=NAMES, ordinal=True)
both = pytest.mark.parametrize("head", [PLAIN, ORDINAL], ids=["plain", "ordinal"])


def case(shares: tuple[float, ...] | None) -> Case:
    nothing = np.zeros(0)
    return Case(log_odds=nothing, truth=nothing, patient_id=np.zeros(0, str), weight=nothing,
                method="platt", shares=shares)  # fmt: skip


def test_an_ordinal_head_has_one_logit_fewer() -> None:
    assert (outputs(PLAIN), outputs(ORDINAL)) == (3, 2)


@both
@given(data=st.lists(st.floats(-8, 8), min_size=3, max_size=3))
def test_probabilities_sum_to_1(head: ClassesHead, data: list[float]) -> None:
    logits = torch.tensor([data[: outputs(head)]])
    each = log_probabilities(head, logits).exp()
    assert (each >= 0).all()
    assert float(each.sum()) == pytest.approx(1, abs=1e-4)


@given(st.lists(st.floats(-8, 8), min_size=4, max_size=4))
def test_higher_boundaries_are_never_likelier(data: list[float]) -> None:
    assert (boundaries(torch.tensor([data])).diff(dim=1) <= 0).all()


@both
def test_the_log_odds_are_of_the_highest_category(head: ClassesHead) -> None:
    logits = torch.randn(6, outputs(head))
    highest = log_probabilities(head, logits).exp()[:, -1]
    torch.testing.assert_close(torch.sigmoid(log_odds(head, logits)), highest)


@both
def test_the_loss_is_the_weighted_log_likelihood(head: ClassesHead) -> None:
    y = np.array([0] * 60 + [1] * 30 + [2] * 10, dtype=float)
    frame = pd.DataFrame({"y.risk": y})
    logits = torch.randn(100, outputs(head))
    truth = torch.tensor(y, dtype=torch.float32)
    weight = torch.tensor([100 / 180, 100 / 90, 100 / 30])
    expected = functional.nll_loss(
        log_probabilities(head, logits), truth.long(), weight=weight, reduction="none"
    ).mean()
    found = make_loss("risk", head, frame, FitConfig())(logits, {"y.risk": truth})
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_shares_of_a_weighted_loss_are_undone() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, 20_000)
    chance = np.array([[0.80, 0.15, 0.05], [0.40, 0.35, 0.25]])
    y = np.array([rng.choice(3, p=chance[i]) for i in x])
    frame = pd.DataFrame({"y.risk": y.astype(float)})
    table = torch.zeros(2, 3, requires_grad=True)
    loss = make_loss("risk", PLAIN, frame, FitConfig())
    optimiser = torch.optim.LBFGS([table], max_iter=100)
    batch = {"y.risk": torch.tensor(y, dtype=torch.float32)}

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value = loss(table[torch.tensor(x)], batch)
        value.backward()
        return value

    optimiser.step(closure)
    shares = evened_out(y, 3, FitConfig())
    found = answers(PLAIN, table.detach()[None], calibrate(PLAIN, case(shares)))
    np.testing.assert_allclose(np.stack(list(found.values()), 1), chance, atol=0.02)
    raw = answers(PLAIN, table.detach()[None], calibrate(PLAIN, case(None)))
    assert abs(raw["high"][1] - 0.25) > 0.1


def test_shares_are_none_where_nothing_was_evened_out() -> None:
    assert evened_out(np.array([0, 1]), 2, FitConfig(class_weights="none")) is None
    assert evened_out(np.zeros(0, np.int64), 2, FitConfig()) is None
