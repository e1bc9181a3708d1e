"""The model's own losses, each a scalar."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from components.core.models.blocks.hcat.imputer import Estimate
from components.core.models.blocks.hcat.vae import Latent


def mean_where(values: Tensor, where: Tensor) -> Tensor:
    """Return the mean of `values` at `where` (bool, the same shape); 0 where there is none."""
    return torch.where(where, values, 0.0).sum() / where.sum().clamp(min=1)


def imputation(
    rounds: list[Estimate],
    truth: Tensor,
    *,
    hidden: Tensor,
    seen: Tensor,
    known: Tensor | None = None,
) -> Tensor:
    """Return how badly hidden modalities are imputed, and observed ones reconstructed.

    Of the hidden ones, the mean over rounds of squared error, of the negative Gaussian
    log-likelihood ½ ((x − μ)/σ)² + log σ, and of the cross-entropy of the confidence, whose target
    is e to the minus squared error: 1 if it is right, 0.37 if it is no better than the mean. Of the
    observed ones, the squared error in the first round.

    μ is taken as given in the likelihood: under it the mean would give up on the entries of the
    largest σ (Seitzer et al., ICLR 2022).

    Args:
        rounds: estimates.
        truth: `[B, V]`, right at `hidden` and `seen`; nothing flows back into it.
        hidden: `[B, M]` bool, observed but not shown.
        seen: `[B, M]` bool, shown.
        known: `[B, V]` bool, entries of `truth` that are there; None for all. The others count
            for nothing, as they do where imputation is judged.
    """
    truth = truth.detach()
    if known is not None:
        some = rounds[0].layout.mean(known.float()) > 0
        hidden, seen = hidden & some, seen & some
    first = (rounds[0].mean - truth).square()
    observed = mean_where(rounds[0].layout.mean(first, known), seen)
    each = [_of_hidden(estimate, truth, known)[hidden].sum() for estimate in rounds]
    return torch.stack(each).mean() / hidden.sum().clamp(min=1) + observed


def _of_hidden(estimate: Estimate, truth: Tensor, known: Tensor | None) -> Tensor:
    """Return `[B, M]`."""
    error = (estimate.mean - truth).square()
    likelihood = 0.5 * error.detach() * torch.exp(-2 * estimate.log_sd) + estimate.log_sd
    mean = estimate.layout.mean(error, known)
    unsure = functional.binary_cross_entropy_with_logits(
        estimate.confidence, torch.exp(-mean.detach()), reduction="none"
    )
    return mean + estimate.layout.mean(likelihood, known) + unsure


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
    stated = torch.exp(2 * first.log_sd) + torch.exp(2 * second.log_sd)
    each = (first.mean - second.mean).square() / stated.detach()
    return mean_where(first.layout.mean(each), unseen)


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
