"""`binary`: two logits; logit₁ − logit₀ is the log-odds of the positive class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from components.core.config.fit import FitConfig
from components.core.config.heads import BinaryHead
from components.core.heads.censoring import censoring_of, view_weights
from components.core.heads.known import LABEL, truth_column
from components.core.heads.log_odds import calibrated, fit_log_odds
from components.core.heads.registry import Case, Floats, Loss
from components.core.heads.weights import class_weights, mean_of_known, without_gaps
from components.core.schemas import OUTCOME_COLUMNS, of_endpoint

KIND = "binary"
# weigh(batch) -> [B] weights by inverse probability of censoring.
Weighing = Callable[[dict[str, Tensor]], Tensor]
_LEAST = 1e-6


def outputs(head: BinaryHead) -> int:
    """Return the number of logits."""
    del head
    return 2


def make_loss(name: str, head: BinaryHead, frame: pd.DataFrame, fit: FitConfig) -> Loss:
    """Return the cross-entropy, weighted by class and by inverse probability of censoring.

    `ce` is over both logits, `bce` over logit₁ − logit₀ (the same function of the data, with other
    gradients on the two outputs). Censoring is that of the head's own endpoint.

    Raises:
        InputError: the head has an endpoint for which nobody in `frame` was followed.
    """
    column = truth_column(name, frame)
    weigh = _weighing(head, frame)
    pair = torch.tensor(pair_of(name, head, frame, fit), dtype=torch.float32)

    def loss(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
        truth = batch[column if column in batch else LABEL].float()
        there = ~truth.isnan()
        label = without_gaps(truth, there).long()
        share = pair.to(label.device)[label]
        share = share if weigh is None else share * weigh(batch)
        return mean_of_known(share * _focal(_each(logits, label, fit), head.focal_gamma), there)

    return loss


def pair_of(
    name: str, head: BinaryHead, frame: pd.DataFrame, fit: FitConfig
) -> tuple[float, float]:
    """Return the weights of negative and positive records in the loss; `frame` is for training."""
    column = truth_column(name, frame)
    rows = frame[frame[column].notna()]
    weight = view_weights(head, rows, frame)
    negative, positive = class_weights(rows[column].to_numpy(np.int64), weight, 2, fit)
    return float(negative), float(positive)


def _weighing(head: BinaryHead, frame: pd.DataFrame) -> Weighing | None:
    """Return what gives each record of a batch its weight; None where all have 1."""
    if head.target:  # seen or not: nothing is censored
        return None
    if not head.endpoint:
        return lambda batch: batch["weight"]
    curve = censoring_of(head.endpoint, frame)
    times = torch.tensor(curve.time, dtype=torch.float32)
    uncensored = torch.tensor([1.0, *curve.survival], dtype=torch.float32)
    column, horizon = of_endpoint(OUTCOME_COLUMNS[0], head.endpoint), float(head.horizon_days or 0)

    def weigh(batch: dict[str, Tensor]) -> Tensor:
        time = batch[column].float()
        until = without_gaps(time, ~time.isnan()).clamp(max=horizon)
        share = uncensored.to(until.device)[torch.searchsorted(times.to(until.device), until)]
        # Only a validation record can have been followed beyond every training patient.
        return torch.where(share > 0, 1 / share, torch.zeros_like(share))

    return weigh


def _focal(loss: Tensor, gamma: float) -> Tensor:
    """Return `[B]` cross-entropies times (1 − p)^γ, p being the probability of the true class."""
    if not gamma:
        return loss
    missed = -torch.expm1(-loss)
    # Below this a power under 1 has a gradient without bound.
    return loss * missed.clamp_min(_LEAST).pow(gamma)


def _each(logits: Tensor, label: Tensor, fit: FitConfig) -> Tensor:
    if fit.loss == "ce":
        return functional.cross_entropy(logits.float(), label, reduction="none")
    score = (logits[:, 1] - logits[:, 0]).float()
    return functional.binary_cross_entropy_with_logits(score, label.float(), reduction="none")


def log_odds(head: BinaryHead, logits: Tensor) -> Tensor:
    """Return `[B]` of the positive class."""
    del head
    return logits[:, 1] - logits[:, 0]


def meaning(head: BinaryHead) -> str:
    """Return what the log-odds are of, as part of a sentence."""
    if head.endpoint:
        day = f"{head.horizon_days:g}"
        return f"logit of the event '{head.endpoint}' by day {day} minus logit of no such event"
    return "logit of the event minus logit of no event"


def calibrate(head: BinaryHead, case: Case) -> dict[str, Any]:
    """Return the recalibration fitted on validation."""
    del head
    return fit_log_odds(case)


def answers(head: BinaryHead, logits: Tensor, calibration: dict[str, Any]) -> dict[str, Floats]:
    """Return `p`, the calibrated probability of the positive class, and its `logit`."""
    each = torch.stack([log_odds(head, member) for member in logits])
    return calibrated(each, calibration)
