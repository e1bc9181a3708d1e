"""The model's own losses, each a scalar."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from components.core.models.blocks.hcat.imputer import Estimate
from components.core.models.blocks.hcat.records import Values
from components.core.models.blocks.hcat.vae import Latent


def mean_where(values: Tensor, where: Tensor) -> Tensor:
    """Return the mean of `values` at `where` (bool, the same shape); 0 where there is none."""
    return torch.where(where, values, 0.0).sum() / where.sum().clamp(min=1)


def per_modality(values: Values) -> Tensor:
    """Return `[B, M]` the mean over entries of modality → `[B, W]`."""
    return torch.stack([own.mean(1) for own in values.values()], dim=1)


def squared_error(mean: Values, truth: Values) -> Tensor:
    """Return `[B, M]` the mean squared error over entries."""
    return per_modality({name: (mean[name] - own).square() for name, own in truth.items()})


def gaussian(estimate: Estimate, truth: Values) -> Tensor:
    """Return `[B, M]` the mean over entries of ½ ((x − μ)/σ)² + log σ; μ is taken as given.

    The mean learns from the squared error alone: under its own likelihood it would give up on the
    entries of the largest SD (Seitzer et al., ICLR 2022).
    """
    each: Values = {}
    for name, own in truth.items():
        log_sd = estimate.log_sd[name]
        off = (own - estimate.mean[name].detach()).square()
        each[name] = 0.5 * off * torch.exp(-2 * log_sd) + log_sd
    return per_modality(each)


def imputation(rounds: list[Estimate], truth: Values, *, hidden: Tensor, seen: Tensor) -> Tensor:
    """Return how badly hidden modalities are imputed, and observed ones reconstructed.

    Squared error plus negative Gaussian log-likelihood of the hidden ones, the mean over rounds;
    cross-entropy of the confidence; squared error of the observed ones in the first round.

    Args:
        rounds: estimates.
        truth: modality → `[B, W]`, right at `hidden` and `seen`; nothing flows back into it.
        hidden: `[B, M]` bool, observed but not shown.
        seen: `[B, M]` bool, shown.
    """
    truth = {name: own.detach() for name, own in truth.items()}
    losses: list[Tensor] = []
    for estimate in rounds:
        error = squared_error(estimate.mean, truth)
        sure = functional.binary_cross_entropy_with_logits(
            estimate.confidence, torch.exp(-error.detach()), reduction="none"
        )
        losses.append(mean_where(error + gaussian(estimate, truth) + sure, hidden))
    observed = mean_where(squared_error(rounds[0].mean, truth), seen)
    return torch.stack(losses).mean() + observed


def divergence(latent: Latent, *, free_bits: float) -> Tensor:
    """Return KL(q ‖ N(0, I)) in nats a unit, where it is above `free_bits`.

    Kingma and Welling (ICLR 2014); the mean over records of each unit is what counts at least
    `free_bits` (Kingma et al., NeurIPS 2016).
    """
    variance = latent.log_variance.exp()
    each = 0.5 * (latent.mean.square() + variance - 1 - latent.log_variance)
    return each.mean(0).clamp(min=free_bits).mean()


def consistency(first: Estimate, second: Estimate, unseen: Tensor) -> Tensor:
    """Return how far two imputations of the same records from different modalities disagree.

    The squared difference over the sum of both stated variances, which are taken as given: what is
    little known may differ.

    Args:
        first: of one set of seen modalities.
        second: of another.
        unseen: `[B, M]` bool, seen by neither.
    """
    each: Values = {}
    for name, own in first.mean.items():
        stated = torch.exp(2 * first.log_sd[name]) + torch.exp(2 * second.log_sd[name])
        each[name] = (own - second.mean[name]).square() / stated.detach()
    return mean_where(per_modality(each), unseen)


def info_nce(first: Tensor, second: Tensor, *, temperature: float) -> Tensor:
    """Return the contrastive loss of two views `[B, K]`, row by row of the same patient.

    Every view must tell its own other view from those of the rest of the batch, by cosine (van den
    Oord, Li and Vinyals, 2018; symmetric as in Radford et al., ICML 2021).
    """
    one, two = (functional.normalize(view.float(), dim=1) for view in (first, second))
    with torch.autocast(one.device.type, enabled=False):
        alike = one @ two.T / temperature
    own = torch.arange(len(alike), device=alike.device)
    return 0.5 * (functional.cross_entropy(alike, own) + functional.cross_entropy(alike.T, own))
