"""`classes`: one of several ordered categories."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from components.core.config.fit import FitConfig
from components.core.config.heads import ClassesHead
from components.core.heads.registry import Case, Floats, Loss
from components.core.heads.weights import class_weights, mean_of_known, without_gaps
from components.core.schemas import TRUTH_PREFIX

KIND = "classes"
# Probabilities below this are as good as 0 in single precision.
_LEAST = 1e-7


def outputs(head: ClassesHead) -> int:
    """Return one logit a category, or one a boundary between categories."""
    return len(head.classes) - (1 if head.ordinal else 0)


def make_loss(name: str, head: ClassesHead, frame: pd.DataFrame, fit: FitConfig) -> Loss:
    """Return the weighted negative log-likelihood of the true category."""
    column = f"{TRUTH_PREFIX}{name}"
    y = frame[column].dropna().to_numpy(np.int64)
    each = class_weights(y, np.ones(len(y)), len(head.classes), fit)
    per_class = torch.tensor(each, dtype=torch.float32)

    def loss(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
        truth = batch[column].float()
        there = ~truth.isnan()
        label = without_gaps(truth, there).long()
        missed = -log_probabilities(head, logits.float()).gather(1, label[:, None])[:, 0]
        return mean_of_known(per_class.to(label.device)[label] * missed, there)

    return loss


def boundaries(logits: Tensor) -> Tensor:
    """Return `[B, k]` log-odds of lying above each boundary, falling along k.

    The cumulative logit model (McCullagh, JRSS-B 1980;42:109) with distances that may depend on
    the patient: each boundary lies a positive step below the one before, so that no category can
    get a negative probability.
    """
    steps = functional.softplus(logits[:, 1:])
    return logits[:, :1] - functional.pad(steps.cumsum(1), (1, 0))


def log_probabilities(head: ClassesHead, logits: Tensor) -> Tensor:
    """Return `[B, categories]` log-probabilities."""
    if not head.ordinal:
        return torch.log_softmax(logits, dim=1)
    above = functional.pad(torch.sigmoid(boundaries(logits)), (1, 0), value=1.0)
    each = above - functional.pad(above[:, 1:], (0, 1))
    return each.clamp_min(_LEAST).log()


def log_odds(head: ClassesHead, logits: Tensor) -> Tensor:
    """Return `[B]` of the highest category against all others."""
    if head.ordinal:
        return boundaries(logits)[:, -1]
    return logits[:, -1] - torch.logsumexp(logits[:, :-1], dim=1)


def meaning(head: ClassesHead) -> str:
    """Return what the log-odds are of, as part of a sentence."""
    others = "any lower one" if head.ordinal else "all others together"
    return f"logit of the highest category, '{head.classes[-1]}', against {others}"


def calibrate(head: ClassesHead, case: Case) -> dict[str, Any]:
    """Return the class shares that a weighted loss has evened out; 1 each where it has not."""
    shares = case.shares or (1.0,) * len(head.classes)
    return {"kind": "shares", "shares": list(shares)}


def answers(head: ClassesHead, logits: Tensor, calibration: dict[str, Any]) -> dict[str, Floats]:
    """Return the probability of each category under its name, summing to 1.

    A loss that gives every class the same total weight learns p(class | x) / p(class), up to a
    factor; multiplying by the shares undoes it (Saerens, Latinne and Decaestecker, Neural
    Computation 2002;14:21).
    """
    each = torch.stack([log_probabilities(head, member) for member in logits]).double().exp()
    shared = each * torch.tensor(calibration["shares"], dtype=torch.float64)
    mean = (shared / shared.sum(2, keepdim=True)).mean(0)
    return {name: np.asarray(mean[:, i]) for i, name in enumerate(head.classes)}
