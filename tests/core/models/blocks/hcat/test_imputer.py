"""Estimates of absent modalities: rounds, what they leave alone, what they state."""

from __future__ import annotations

import pytest
import torch

from components.core.models.blocks.hcat.imputer import Estimate, Imputer
from components.core.models.blocks.hcat.layout import Layout
from components.core.models.blocks.hcat.projection import Projections
from components.core.models.blocks.hcat.records import Records

LAYOUT = Layout({"emb_clinical": 3, "emb_semantic": 4})


def parts(rounds: int) -> tuple[Imputer, Projections]:
    torch.manual_seed(0)
    own = Imputer(LAYOUT, d_model=8, latent=3, scales=1, heads=2, dropout=0.1, rounds=rounds)
    return own.eval(), Projections(LAYOUT, 8)


def records(rows: int = 6) -> Records:
    present = torch.tensor([[True, False]] * 3 + [[True, True]] * 2 + [[False, False]])[:rows]
    values = torch.randn(rows, 7) * LAYOUT.spread(present)
    return Records(values=values, present=present, quality=torch.ones(rows, 2), layout=LAYOUT)


@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_there_is_one_estimate_before_the_rounds_and_one_after_each(rounds: int) -> None:
    own, project = parts(rounds)
    _, found = own(records(), project)
    assert len(found) == rounds + 1
    for each in found:
        assert each.mean.shape == each.log_sd.shape == (6, 7)
        assert each.confidence.shape == (6, 2)
        assert each.mean.isfinite().all()


def test_rounds_change_what_is_absent_and_nothing_else() -> None:
    own, project = parts(2)
    shown = records()
    _, (first, second, third) = own(shown, project)
    there = LAYOUT.spread(shown.present)
    for before, after in ((first, second), (second, third)):
        assert torch.equal(before.mean[there], after.mean[there])
        assert not torch.isclose(before.mean[~there], after.mean[~there]).any()


def test_the_start_is_near_the_mean_with_an_sd_of_about_one() -> None:
    own, project = parts(2)
    shown = records()
    _, found = own(shown, project)
    absent = ~LAYOUT.spread(shown.present)
    assert float(found[-1].mean[absent].detach().abs().max()) < 0.3
    assert (found[-1].log_sd.exp() - 1).abs().max() < 0.5


def test_a_stated_sd_has_a_floor() -> None:
    own, project = parts(1)
    with torch.no_grad():
        own.noise.fill_(-1e4)
        own.linear.decode.zero_()
    _, found = own(records(), project)
    # 1 % of an entry's SD, or an e-th of that.
    assert float(found[-1].log_sd.detach().exp().min()) > 0.01 / 2.72


def test_what_nothing_is_known_of_is_less_certain_than_what_something_is() -> None:
    own, project = parts(0)
    shown = records()
    _, variance = own.linear(shown)
    assert (LAYOUT.mean(variance)[5] > LAYOUT.mean(variance)[0]).all()
    _, (estimate,) = own(shown, project)
    assert estimate.spread().shape == (6, 2)


def test_halves_are_the_two_views() -> None:
    both = Estimate(
        mean=torch.arange(28.0).reshape(4, 7),
        log_sd=torch.zeros(4, 7),
        confidence=torch.arange(8.0).reshape(4, 2),
        layout=LAYOUT,
    )
    first, second = both.halves()
    assert torch.equal(torch.cat([first.mean, second.mean]), both.mean)
    assert torch.equal(second.confidence, both.confidence[2:])
    assert first.log_sd.shape == (2, 7)
