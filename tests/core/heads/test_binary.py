"""The binary head's loss against torch's own, weights against scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

from components.core.config.fit import FitConfig
from components.core.config.heads import BinaryHead
from components.core.heads.binary import answers, calibrate, log_odds, make_loss
from components.core.heads.registry import Case
from components.core.heads.weights import class_weights

HEAD = BinaryHead()


def config(**more: Any) -> FitConfig:
    return FitConfig.model_validate(more)


def frame(weighted: bool = False, n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    label = (rng.random(n) < 0.2).astype(float)
    weight = rng.uniform(1, 3, n) if weighted else np.ones(n)
    return pd.DataFrame({"label": label, "weight": weight})


def drawn(n: int = 40) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    rng = torch.Generator().manual_seed(1)
    logits = torch.randn((n, 2), generator=rng) * 3
    label = torch.randint(0, 2, (n,), generator=rng)
    return logits, {"label": label, "weight": torch.rand(n, generator=rng) + 0.5}


def balanced(rows: pd.DataFrame, **more: Any) -> np.ndarray:
    label, weight = rows["label"].to_numpy(np.int64), rows["weight"].to_numpy()
    return class_weights(label, weight, 2, config(**more))


def test_balanced_weights_are_in_scikit_learns_ratio() -> None:
    rows = frame()
    expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=rows["label"])
    found = balanced(rows)
    assert found[1] / found[0] == pytest.approx(expected[1] / expected[0])


def test_balanced_weights_count_patients_by_their_own_weight() -> None:
    rows = frame(weighted=True)
    sums = [rows.loc[rows["label"] == y, "weight"].sum() for y in (0, 1)]
    negative, positive = balanced(rows)
    assert negative * sums[0] == pytest.approx(positive * sums[1])


@pytest.mark.parametrize("given", ["balanced", "none", (1, 4)])
def test_the_mean_weight_of_the_training_part_is_1(given: object) -> None:
    rows = frame(weighted=True)
    own = balanced(rows, class_weights=given)[rows["label"].to_numpy(int)]
    assert np.mean(own * rows["weight"]) == pytest.approx(1)


def test_cross_entropy_with_class_and_sample_weights() -> None:
    rows = frame(weighted=True)
    logits, batch = drawn()
    pair = (1.0, 4.0)
    mean = np.mean(rows["weight"] * np.array(pair)[rows["label"].to_numpy(int)])
    each = functional.cross_entropy(
        logits, batch["label"], weight=torch.tensor(pair), reduction="none"
    )
    expected = float((each * batch["weight"]).mean() / mean)
    found = make_loss("y", HEAD, rows, config(class_weights=pair))(logits, batch)
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_binary_cross_entropy_with_pos_weight() -> None:
    rows = frame()
    logits, batch = drawn()
    share = np.mean(np.where(rows["label"] == 1, 5.0, 1.0))
    expected = functional.binary_cross_entropy_with_logits(
        logits[:, 1] - logits[:, 0], batch["label"].float(), weight=batch["weight"] / share,
        pos_weight=torch.tensor(5.0),
    )  # fmt: skip
    found = make_loss("y", HEAD, rows, config(loss="bce", class_weights=(1, 5)))(logits, batch)
    assert float(found) == pytest.approx(float(expected), rel=1e-6)


def test_both_losses_are_the_same_function_of_the_data() -> None:
    values = [make_loss("y", HEAD, frame(), config(loss=n))(*drawn()) for n in ("ce", "bce")]
    assert float(values[0]) == pytest.approx(float(values[1]), rel=1e-6)


def test_a_truth_that_is_not_known_changes_nothing() -> None:
    rows = frame().rename(columns={"label": "y.toy"})
    logits, batch = drawn()
    truth = batch["label"].float()
    loss = make_loss("toy", HEAD, rows, config())
    gaps = torch.cat([truth, torch.full((5,), float("nan"))])
    weight = torch.cat([batch["weight"], torch.ones(5)])
    more = torch.cat([logits, torch.randn(5, 2)]).requires_grad_()
    value = loss(more, {"y.toy": gaps, "weight": weight})
    expected = loss(logits, {"y.toy": truth, "weight": batch["weight"]})
    assert value.item() == pytest.approx(expected.item(), rel=1e-6)
    value.backward()
    assert more.grad is not None
    assert not more.grad[40:].any()
    assert more.grad[:40].any()


def test_a_batch_without_a_truth_costs_nothing_and_has_a_gradient() -> None:
    rows = frame().rename(columns={"label": "y.toy"})
    logits = torch.randn(4, 2, requires_grad=True)
    batch = {"y.toy": torch.full((4,), float("nan")), "weight": torch.ones(4)}
    value = make_loss("toy", HEAD, rows, config())(logits, batch)
    assert value.item() == 0
    value.backward()
    assert logits.grad is not None
    assert not logits.grad.any()


def test_the_log_odds_are_those_of_softmax() -> None:
    logits, _ = drawn()
    probability = torch.softmax(logits, dim=1)[:, 1]
    torch.testing.assert_close(torch.sigmoid(log_odds(HEAD, logits)), probability)


def test_an_ensembles_mean_is_calibrated() -> None:
    rng = np.random.default_rng(2)
    log_odds_ = rng.normal(0, 2, 3000)
    truth = (rng.random(3000) < 1 / (1 + np.exp(-(0.5 * log_odds_ - 1)))).astype(float)
    case = Case(
        log_odds=log_odds_, truth=truth, patient_id=np.arange(3000).astype(str),
        weight=np.ones(3000), method="platt",
    )  # fmt: skip
    members = torch.zeros(2, 3, 2)
    members[0, :, 1], members[1, :, 1] = torch.tensor([0.0, 1, 2]), torch.tensor([2.0, 1, 0])
    found = answers(HEAD, members, calibrate(HEAD, case))
    np.testing.assert_allclose(found["logit"], -0.5, atol=0.15)
    np.testing.assert_allclose(found["p"], 1 / (1 + np.exp(-found["logit"])))
