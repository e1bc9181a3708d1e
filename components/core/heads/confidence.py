"""`confidence`: how likely another head's answer is right."""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from components.core.config.fit import FitConfig
from components.core.config.heads import ConfidenceHead
from components.core.heads.log_odds import calibrated, fit_log_odds
from components.core.heads.registry import Case, Floats, Loss
from components.core.heads.weights import mean_of_known, without_gaps
from components.core.schemas import TRUTH_PREFIX

KIND = "confidence"


def outputs(head: ConfidenceHead) -> int:
    """Return the number of logits."""
    del head
    return 2


def make_loss(name: str, head: ConfidenceHead, frame: pd.DataFrame, fit: FitConfig) -> Loss:
    """Return the binary cross-entropy against a truth in [0, 1], without class weights.

    A weighted loss would move the stated confidence away from the share of right answers.
    """
    del head, frame, fit
    column = f"{TRUTH_PREFIX}{name}"

    def loss(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
        truth = batch[column].float()
        there = ~truth.isnan()
        score = (logits[:, 1] - logits[:, 0]).float()
        each = functional.binary_cross_entropy_with_logits(
            score, without_gaps(truth, there), reduction="none"
        )
        return mean_of_known(each, there)

    return loss


def log_odds(head: ConfidenceHead, logits: Tensor) -> Tensor:
    """Return `[B]` log-odds of being right."""
    del head
    return logits[:, 1] - logits[:, 0]


def meaning(head: ConfidenceHead) -> str:
    """Return what the log-odds are of, as part of a sentence."""
    return f"logit of a right answer of the head '{head.of}' minus logit of a wrong one"


def calibrate(head: ConfidenceHead, case: Case) -> dict[str, Any]:
    """Return the recalibration fitted on validation."""
    del head
    return fit_log_odds(case)


def answers(head: ConfidenceHead, logits: Tensor, calibration: dict[str, Any]) -> dict[str, Floats]:
    """Return `p`, the calibrated probability of being right, and its `logit`."""
    each = torch.stack([log_odds(head, member) for member in logits])
    return calibrated(each, calibration)
