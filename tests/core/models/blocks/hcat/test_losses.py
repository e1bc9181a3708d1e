"""The model's own losses against libraries and hand-made cases."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.nn import functional

from components.core.models.blocks.hcat.imputer import Estimate
from components.core.models.blocks.hcat.layout import Layout
from components.core.models.blocks.hcat.losses import (
    consistency,
    divergence,
    imputation,
    info_nce,
    mean_where,
)
from components.core.models.blocks.hcat.vae import Latent

LAYOUT = Layout({"emb_clinical": 2, "emb_semantic": 3})
NONE = torch.zeros(4, 2, dtype=torch.bool)
ALL = ~NONE


def estimate(off: float = 0.0, *, log_sd: float = 0.0, confidence: float = 0.0) -> Estimate:
    return Estimate(
        mean=torch.full((4, 5), off, requires_grad=True),
        log_sd=torch.full((4, 5), log_sd, requires_grad=True),
        confidence=torch.full((4, 2), confidence, requires_grad=True),
        layout=LAYOUT,
    )


def latent(mean: torch.Tensor, log_variance: torch.Tensor) -> Latent:
    return Latent(mean=mean, log_variance=log_variance, drawn=mean)


def test_the_divergence_is_the_librarys() -> None:
    mean, log_variance = torch.randn(6, 3), torch.randn(6, 3)
    found = divergence(latent(mean, log_variance), free_bits=0.0)
    expected = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(found, expected.mean(0).mean())


def test_free_bits_cost_the_same_with_and_without_them() -> None:
    at_prior = latent(torch.zeros(6, 2), torch.zeros(6, 2))
    assert float(divergence(at_prior, free_bits=0.3)) == pytest.approx(0.3)
    mean = torch.full((6, 2), 0.1, requires_grad=True)
    divergence(latent(mean, torch.zeros(6, 2)), free_bits=0.3).backward()
    assert mean.grad is not None
    assert not mean.grad.any()


def test_imputation_is_error_and_likelihood_and_confidence_of_what_is_hidden() -> None:
    own = estimate(0.5, log_sd=-0.2, confidence=1.0)
    found = imputation([own], torch.zeros(4, 5), hidden=ALL, seen=NONE)
    nll = functional.gaussian_nll_loss(
        torch.tensor(0.5), torch.tensor(0.0), torch.tensor(math.exp(-0.4))
    )
    unsure = functional.binary_cross_entropy_with_logits(
        torch.tensor(1.0), torch.tensor(math.exp(-0.25))
    )
    assert found.item() == pytest.approx(0.25 + float(nll) + float(unsure), rel=1e-5)


def test_of_what_is_seen_only_the_first_round_is_compared() -> None:
    rounds = [estimate(0.5), estimate(100.0)]
    found = imputation(rounds, torch.zeros(4, 5), hidden=NONE, seen=ALL)
    assert found.item() == pytest.approx(0.25)
    assert imputation(rounds, torch.zeros(4, 5), hidden=NONE, seen=NONE).item() == 0.0


def test_what_is_neither_hidden_nor_seen_does_not_matter() -> None:
    hidden = torch.tensor([[True, False]] * 4)
    one = imputation([estimate()], torch.zeros(4, 5), hidden=hidden, seen=NONE)
    far = torch.cat([torch.zeros(4, 2), torch.full((4, 3), 50.0)], dim=1)
    assert torch.equal(one, imputation([estimate()], far, hidden=hidden, seen=NONE))


def test_entries_that_are_lacking_count_neither_as_hidden_nor_as_seen() -> None:
    own = estimate(0.5, log_sd=-0.2, confidence=1.0)
    known = torch.ones(4, 5, dtype=torch.bool)
    known[:, 1] = False
    known[0, 2:] = False  # of one record a whole modality
    far = torch.where(known, 0.0, 50.0)
    for shown in ({"hidden": ALL, "seen": NONE}, {"hidden": NONE, "seen": ALL}):
        whole = imputation([own], torch.zeros(4, 5), **shown)
        found = imputation([own], far, known=known, **shown)
        assert found.item() == pytest.approx(whole.item())
    assert imputation([own], far, hidden=ALL, seen=NONE, known=~(far < 99)).item() == 0.0


def test_the_mean_learns_from_its_error_alone_and_nothing_flows_into_the_truth() -> None:
    truth = torch.ones(4, 5, requires_grad=True)
    grads = []
    for log_sd in (0.0, 2.0):
        own = estimate(log_sd=log_sd)
        imputation([own], truth, hidden=ALL, seen=NONE).backward()
        grads.append(own.mean.grad)
    assert torch.equal(grads[0], grads[1])
    assert truth.grad is None


def test_the_stated_sd_is_best_where_it_is_the_error() -> None:
    truth = torch.zeros(4, 5)
    losses = {
        sd: imputation([estimate(0.5, log_sd=math.log(sd))], truth, hidden=ALL, seen=NONE).item()
        for sd in (0.3, 0.45, 0.5, 0.55, 0.9)
    }
    assert min(losses, key=losses.__getitem__) == 0.5


def test_agreement_costs_nothing_and_doubt_excuses_difference() -> None:
    assert consistency(estimate(1.0), estimate(1.0), ALL).item() == 0.0
    sure = consistency(estimate(0.0), estimate(1.0), ALL)
    unsure = consistency(estimate(0.0, log_sd=1.0), estimate(1.0, log_sd=1.0), ALL)
    assert sure.item() == pytest.approx(0.5)
    assert unsure.item() == pytest.approx(0.5 / math.e**2)
    assert consistency(estimate(0.0), estimate(1.0), NONE).item() == 0.0


def test_doubt_is_not_learned_from_disagreement() -> None:
    first, second = estimate(0.0), estimate(1.0)
    consistency(first, second, ALL).backward()
    assert first.log_sd.grad is None
    assert first.mean.grad is not None
    assert (first.mean.grad < 0).all()


def test_views_of_the_same_patient_are_told_from_others() -> None:
    torch.manual_seed(0)
    own, other = torch.randn(8, 4), torch.randn(8, 4)
    unit = functional.normalize(own, dim=1)
    pairs = functional.normalize(other, dim=1)
    alike = (unit @ pairs.T / 0.5).exp()
    expected = -0.5 * (
        (alike.diag() / alike.sum(1)).log().mean() + (alike.diag() / alike.sum(0)).log().mean()
    )
    torch.testing.assert_close(info_nce(own, other, temperature=0.5), expected)
    assert float(info_nce(own, 3 * own, temperature=0.1)) < float(
        info_nce(own, other, temperature=0.1)
    )


def test_a_mean_of_nothing_is_zero() -> None:
    assert float(mean_where(torch.full((4, 2), torch.nan), NONE)) == 0.0
