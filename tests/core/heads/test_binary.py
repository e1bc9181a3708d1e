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
from components.core.heads.binary import answers, calibrate, log_odds, make_loss, meaning
from components.core.heads.censoring import view_weights
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


RELAPSE = BinaryHead(endpoint="relapse", horizon_days=400)


def endpoint_frame(n: int = 200, *, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    time, code = np.ceil(rng.uniform(1, 900, n)), rng.integers(0, 3, n)
    known = (code != 0) | (time >= 400)
    truth = np.where(known, (code == 1) & (time <= 400), np.nan)
    return pd.DataFrame(
        {
            "patient_id": np.arange(n).astype(str),
            "weight": 7.0,
            "time_days.relapse": time,
            "event_code.relapse": code,
            "y.relapse": truth,
        }
    )


def batch_of(rows: pd.DataFrame) -> dict[str, torch.Tensor]:
    names = [c for c in rows if c != "patient_id"]
    return {c: torch.tensor(rows[c].to_numpy(np.float32)) for c in names}


def test_an_endpoints_loss_is_weighted_by_its_own_censoring_fitted_on_training() -> None:
    train, rows = endpoint_frame(), endpoint_frame(60, seed=4)
    logits = torch.randn(60, 2, generator=torch.Generator().manual_seed(0))
    known = rows["y.relapse"].notna().to_numpy()
    weight = view_weights(RELAPSE, rows, train)
    label = rows["y.relapse"].fillna(0).to_numpy(np.int64)
    pair = class_weights(
        train["y.relapse"].dropna().to_numpy(np.int64),
        view_weights(RELAPSE, train[train["y.relapse"].notna()], train), 2, config(),
    )  # fmt: skip
    each = functional.cross_entropy(logits, torch.tensor(label), reduction="none").numpy()
    expected = (each * weight * pair[label])[known].mean()
    found = make_loss("relapse", RELAPSE, train, config())(logits, batch_of(rows))
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_whoever_was_followed_beyond_training_weighs_nothing_in_the_validation_loss() -> None:
    train = endpoint_frame().assign(**{"y.relapse": 0.0, "event_code.relapse": 0})
    train["time_days.relapse"] = 50.0
    train.loc[:9, ["event_code.relapse", "y.relapse"]] = 1
    rows = pd.DataFrame({"time_days.relapse": [20.0, 300], "y.relapse": [1.0, 1]})
    logits = torch.zeros(2, 2, requires_grad=True)
    loss = make_loss("relapse", RELAPSE, train, config(class_weights="none"))
    loss(logits, batch_of(rows)).backward()
    assert logits.grad is not None
    assert logits.grad.any(1).tolist() == [True, False]


@pytest.mark.parametrize("name", ["ce", "bce"])
@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_the_focal_loss_is_that_of_its_formula(gamma: float, name: str) -> None:
    logits, batch = drawn()
    logits[0, 1] = 60  # certain: no power of 0 may spoil the gradient
    logits.requires_grad_()
    plain = config(loss=name, class_weights="none")
    found = make_loss("y", BinaryHead(focal_gamma=gamma), frame(), plain)(logits, batch)
    truth = batch["label"]
    p = torch.softmax(logits.double(), 1).gather(1, truth[:, None])[:, 0]
    expected = (batch["weight"] * -((1 - p) ** gamma) * p.log()).mean()
    assert found.item() == pytest.approx(expected.item(), rel=1e-4)
    found.backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_the_meaning_names_another_endpoint() -> None:
    assert meaning(HEAD) == "logit of the event minus logit of no event"
    assert (
        meaning(RELAPSE) == "logit of the event 'relapse' by day 400 minus logit of no such event"
    )
