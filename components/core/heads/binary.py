"""`binary`: two logits; logit₁ − logit₀ is the log-odds of the positive class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from components.core.config.fit import FitConfig
from components.core.config.heads import BinaryHead
from components.core.heads.known import LABEL, truth_column
from components.core.heads.log_odds import calibrated, fit_log_odds
from components.core.heads.registry import Case, Floats, Loss
from components.core.heads.weights import class_weights, mean_of_known, without_gaps

KIND = "binary"


def outputs(head: BinaryHead) -> int:
    """Return the number of logits."""
    del head
    return 2


def make_loss(name: str, head: BinaryHead, frame: pd.DataFrame, fit: FitConfig) -> Loss:
    """Return the cross-entropy, weighted by class and by inverse probability of censoring.

    `ce` is over both logits, `bce` over logit₁ − logit₀ (the same function of the data, with other
    gradients on the two outputs).
    """
    column = truth_column(name, frame)
    rows = frame[frame[column].notna()]
    # A target is seen or not; only the label at a horizon can be censored.
    weighted = not head.target
    weight = rows["weight"].to_numpy(np.float64) if weighted else np.ones(len(rows))
    each = class_weights(rows[column].to_numpy(np.int64), weight, 2, fit)
    pair = torch.tensor(each, dtype=torch.float32)

    def loss(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
        truth = batch[column if column in batch else LABEL].float()
        there = ~truth.isnan()
        label = without_gaps(truth, there).long()
        share = pair.to(label.device)[label]
        share = share * batch["weight"] if weighted else share
        return mean_of_known(share * _each(logits, label, fit), there)

    return loss


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
    del head
    return "logit of the event minus logit of no event"


def calibrate(head: BinaryHead, case: Case) -> dict[str, Any]:
    """Return the recalibration fitted on validation."""
    del head
    return fit_log_odds(case)


def answers(head: BinaryHead, logits: Tensor, calibration: dict[str, Any]) -> dict[str, Floats]:
    """Return `p`, the calibrated probability of the positive class, and its `logit`."""
    each = torch.stack([log_odds(head, member) for member in logits])
    return calibrated(each, calibration)
