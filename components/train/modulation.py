"""OGM-GE: the branch that is ahead learns more slowly, with noise so that it goes on searching.

Peng, Wei, Deng, Wang and Hu, "Balanced multimodal learning via on-the-fly gradient modulation",
CVPR 2022, arXiv 2203.15332; theirs is for two branches, here each is compared with the mean of the
others. A branch's confidence is the mean probability that its own head gives to the true class.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from components.core.data.batches import Batch
from components.core.heads.known import LABEL
from components.core.heads.registry import View
from components.core.models.blocks.multimodal import OWN
from components.core.schemas import TRUTH_PREFIX


def confidences(logits: dict[str, Tensor], batch: Batch, view: View) -> dict[str, float]:
    """Return modality → mean probability `[0, 1]` of the true class by the branch's own head.

    Over the records that have the modality and whose truth is known; a modality of which there is
    no such record is left out.

    Args:
        logits: of the model while it trains.
        batch: whose masks and truths count.
        view: the primary head, of two classes.
    """
    truth = batch.get(f"{TRUTH_PREFIX}{view.name}", batch.get(LABEL))
    found: dict[str, float] = {}
    for key, answer in logits.items():
        head, mark, modality = key.rpartition(OWN)
        if not mark or head != view.name or truth is None:
            continue
        mask = batch.get(f"{modality}_mask", torch.ones_like(truth))
        use = (mask > 0) & ~truth.isnan()
        if bool(use.any()):
            odds = view.log_odds({view.name: answer.detach()[use]})
            right = torch.where(truth[use] > 0, odds, -odds).sigmoid()
            found[modality] = float(right.mean())
    return found


def factors(confidence: Mapping[str, float], *, strength: float) -> dict[str, float]:
    """Return modality → factor of its encoder's gradients: 1 − tanh(strength · ratio), or 1.

    The ratio is a branch's confidence over the mean of the others'; only above 1 is it slowed.
    One branch alone has nobody to be ahead of.
    """
    if len(confidence) < 2:
        return dict.fromkeys(confidence, 1.0)
    total = sum(confidence.values())
    found: dict[str, float] = {}
    for name, own in confidence.items():
        ratio = own * (len(confidence) - 1) / max(total - own, 1e-12)  # never 0 by a sigmoid
        found[name] = 1 - math.tanh(strength * ratio) if ratio > 1 else 1.0
    return found


def modulate(
    branches: Mapping[str, nn.Module], factor: Mapping[str, float], rng: torch.Generator
) -> None:
    """Scale the encoders' gradients in place and add Gaussian noise to those of their weights.

    The noise has the spread of the gradient before it was scaled. As in the authors' code all
    compared branches get it, and weights of two or more dimensions alone: the few entries of a
    bias say nothing of a spread.

    Args:
        branches: modality → branch with an `encoder`.
        factor: modality → factor; a branch that is not named is left alone.
        rng: on the CPU, so that the draws do not depend on the device.
    """
    if len(factor) < 2:
        return
    for name, value in factor.items():
        for parameter in branches[name].get_submodule("encoder").parameters():
            gradient = parameter.grad
            if gradient is None:
                continue
            spread = gradient.std(correction=0)
            gradient.mul_(value)
            if gradient.dim() > 1:
                noise = torch.randn(gradient.shape, generator=rng)
                gradient.add_(noise.to(gradient.device, gradient.dtype) * spread)
