"""Discrete-time hazards: likelihood by hand, curves that cannot fall, planted hazards found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from components.core.config.fit import FitConfig
from components.core.config.heads import SurvivalHead
from components.core.errors import InputError
from components.core.heads.survival import (
    answers,
    incidence,
    intervals,
    log_hazards,
    log_odds,
    make_loss,
    meaning,
    outputs,
    start,
)

HEAD = SurvivalHead()
FIT = FitConfig()


def batch(time: list[float], code: list[float]) -> dict[str, torch.Tensor]:
    return {"time_days": torch.tensor(time), "event_code": torch.tensor(code)}


def frame(time: list[float], code: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"time_days": time, "event_code": code})


def by_hand(logits: np.ndarray, time: float, code: int) -> float:
    """Return the log-likelihood of one patient, interval by interval."""
    total, begin = 0.0, 0.0
    for k, end in enumerate(HEAD.horizons_days):
        event, death = np.exp(logits[2 * k]), np.exp(logits[2 * k + 1])
        whole = 1 + event + death
        if time > end:
            total += np.log(1 / whole)
        else:
            if code == 1:
                total += np.log(event / whole)
            elif code == 2:
                total += np.log(death / whole)
            elif time >= (begin + end) / 2:
                total += np.log(1 / whole)
            return total
        begin = end
    return total


def test_every_horizon_has_an_event_and_a_death() -> None:
    assert outputs(HEAD) == 8


@pytest.mark.parametrize("code", [0, 1, 2])
@pytest.mark.parametrize("time", [0.0, 1, 14.9, 15, 30, 31, 60, 61, 91, 182, 250, 300, 365, 366])
def test_the_likelihood_is_the_product_over_the_intervals(time: float, code: int) -> None:
    logits = np.random.default_rng(0).normal(0, 1, 8)
    loss = make_loss("survival", HEAD, frame([1], [1]), FIT)
    found = loss(torch.tensor(logits[None], dtype=torch.float32), batch([time], [code]))
    assert float(found) == pytest.approx(-by_hand(logits, time, code), rel=1e-5, abs=1e-6)


def test_unknown_times_are_left_out() -> None:
    logits = torch.randn(3, 8)
    loss = make_loss("survival", HEAD, frame([1], [1]), FIT)
    gaps = batch([40, float("nan"), 400], [1, float("nan"), 0])
    found = loss(logits, gaps)
    expected = loss(logits[[0, 2]], batch([40, 400], [1, 0]))
    assert float(found) == pytest.approx(float(expected))


def test_a_head_without_an_event_is_refused() -> None:
    with pytest.raises(InputError, match="the head 'survival' has no event with a time among 2"):
        make_loss("survival", HEAD, frame([1, 2], [0, 2]), FIT)


@given(st.lists(st.floats(-30, 30), min_size=8, max_size=8))
def test_no_curve_can_fall_or_leave_0_to_1(logits: list[float]) -> None:
    event, death = incidence(HEAD, torch.tensor([logits]))
    for curve in (event, death):
        assert (curve[0].diff() >= 0).all()
    assert (event >= 0).all()
    assert (event + death <= 1 + 1e-9).all()


def test_the_log_odds_are_of_the_last_horizon() -> None:
    logits = torch.randn(5, 8)
    last = incidence(HEAD, logits)[0][:, -1]
    torch.testing.assert_close(torch.sigmoid(log_odds(HEAD, logits)).double(), last)


def test_the_mean_of_an_ensembles_curves() -> None:
    members = torch.randn(3, 4, 8)
    found = answers(HEAD, members, {})
    assert list(found) == [f"{p}{d}" for p in ("", "death.") for d in (30, 91, 182, 365)]
    expected = torch.stack([incidence(HEAD, m)[0][:, 2] for m in members]).mean(0)
    np.testing.assert_allclose(found["182"], expected)


def test_everyone_starts_at_the_training_parts_own_hazards() -> None:
    rng = np.random.default_rng(1)
    time = np.minimum(rng.exponential(1200, 20_000), 500)
    code = np.where(time < 500, np.where(rng.random(20_000) < 0.7, 1, 2), 0)
    logits = torch.tensor(start(HEAD, frame(time.tolist(), code.tolist())))[None]
    event = incidence(HEAD, logits)[0][0, -1]
    assert float(event) == pytest.approx(np.mean((time <= 365) & (code == 1)), abs=0.01)


def test_an_empty_interval_starts_at_a_finite_hazard() -> None:
    assert np.isfinite(start(HEAD, frame([20, 400], [1, 0]))).all()


def test_planted_hazards_are_found() -> None:
    rng = np.random.default_rng(2)
    x = torch.tensor(rng.integers(0, 2, 6000))
    rate = np.where(x.numpy() == 1, 1 / 300, 1 / 1500)
    event = rng.exponential(1 / rate)
    censor = rng.uniform(100, 700, 6000)
    time, code = np.minimum(event, censor), (event <= censor).astype(float)
    table = torch.zeros(2, 8, requires_grad=True)
    loss = make_loss("survival", HEAD, frame(time.tolist(), code.tolist()), FIT)
    optimiser = torch.optim.LBFGS([table], max_iter=200)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value = loss(table[x], batch(time.tolist(), code.tolist()))
        value.backward()
        return value

    optimiser.step(closure)
    found = incidence(HEAD, table.detach())[0]
    days = torch.tensor(HEAD.horizons_days)
    for row, own in enumerate((1 / 1500, 1 / 300)):
        np.testing.assert_allclose(found[row], 1 - torch.exp(-own * days), atol=0.03)


def test_hazards_of_an_interval_sum_to_1() -> None:
    each = log_hazards(torch.randn(2, 8), 4).exp()
    torch.testing.assert_close(each.sum(2), torch.ones(2, 4))


def test_nobody_is_both_free_and_ended_in_an_interval() -> None:
    lived, cause = intervals(
        torch.tensor([10.0, 100, 500]), torch.tensor([1.0, 0, 2]), horizons=HEAD.horizons_days
    )
    assert not ((lived > 0) & (cause > 0)).any()
    assert lived.tolist() == [[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]]
    assert cause.tolist() == [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_another_endpoint_has_columns_of_its_own() -> None:
    relapse = SurvivalHead(endpoint="relapse")
    rows = frame([5, 40, 400], [1, 2, 0])
    own = rows.rename(columns=lambda c: f"{c}.relapse").assign(time_days=1.0, event_code=0)
    logits = torch.randn(3, 8)
    found = make_loss("relapse", relapse, own, FIT)(
        logits, {f"{k}.relapse": v for k, v in batch([5, 40, 400], [1, 2, 0]).items()}
    )
    expected = make_loss("survival", HEAD, rows, FIT)(logits, batch([5, 40, 400], [1, 2, 0]))
    assert found.item() == expected.item()
    np.testing.assert_array_equal(start(relapse, own), start(HEAD, rows))
    assert "of the event 'relapse' by day 365" in meaning(relapse)
    with pytest.raises(InputError, match=r"bring event_time_days.relapse, death_days.relapse, "):
        make_loss("relapse", relapse, rows, FIT)
