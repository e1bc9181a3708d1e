"""`survival`: discrete-time cause-specific hazards of the event and of competing death.

In each interval a patient who is still at risk has the event, dies of something else, or neither:
a softmax over (neither, event, death). The likelihood is the product over the intervals lived
through (Tutz and Schmid, Modeling Discrete Time-to-Event Data, 2016, chapter 8). The cumulative
incidence sums, over the intervals, the chance of being free of both so far times the hazard, so
that it can never fall.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from components.core.config.fit import FitConfig
from components.core.config.heads import SurvivalHead
from components.core.errors import InputError
from components.core.heads.registry import Case, Floats, Loss
from components.core.heads.weights import mean_of_known, without_gaps
from components.core.metrics.ipcw import CENSORED, COMPETING, EVENT
from components.core.schemas import OUTCOME_COLUMNS, TIMES, of_endpoint

KIND = "survival"
TIME, CODE = OUTCOME_COLUMNS
_CAUSES = 2
# A cumulative incidence within this of 0 or 1 has no finite log-odds worth telling apart.
_EDGE = 1e-6


def outputs(head: SurvivalHead) -> int:
    """Return one logit an interval and cause."""
    return _CAUSES * len(head.horizons_days)


def columns_of(head: SurvivalHead) -> tuple[str, str]:
    """Return the columns of time and code of the head's endpoint."""
    return of_endpoint(TIME, head.endpoint), of_endpoint(CODE, head.endpoint)


def make_loss(name: str, head: SurvivalHead, frame: pd.DataFrame, fit: FitConfig) -> Loss:
    """Return the negative log-likelihood of each patient's intervals.

    Raises:
        InputError: no training record has a time, or no event is among them.
    """
    del fit
    time_column, code_column = columns_of(head)
    timed = frame[frame[time_column].notna()] if time_column in frame else frame.iloc[:0]
    if not len(timed) or not (timed[code_column] == EVENT).any():
        raise InputError(
            f"the head '{name}' has no event with a time among {len(frame)} training records; "
            f"bring {', '.join(of_endpoint(each, head.endpoint) for each in TIMES)}"
        )
    horizons = head.horizons_days

    def loss(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
        time, code = batch[time_column].float(), batch[code_column].float()
        there = ~time.isnan()
        lived, cause = intervals(
            without_gaps(time, there), without_gaps(code, there), horizons=horizons
        )
        each = log_hazards(logits.float(), len(horizons))
        ended = functional.pad(cause[:, :, None] == _CAUSE_CODES.to(cause.device), (1, 0))
        ended[:, :, 0] = lived > 0
        return mean_of_known(-(each * ended).sum((1, 2)), there)

    return loss


_CAUSE_CODES = torch.tensor([EVENT, COMPETING])


def intervals(time: Tensor, code: Tensor, *, horizons: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Return `[B, K]` intervals lived through free of both, and `[B, K]` cause of the end or 0.

    A patient censored within an interval counts as free in it from its middle on (Gensheimer and
    Narasimhan, PeerJ 2019;7:e6257), and not at all before.

    Args:
        time: `[B]` days.
        code: `[B]` 0 censored, 1 event, 2 competing death at that time.
        horizons: ends of the intervals.
    """
    ends = torch.tensor(horizons, dtype=time.dtype, device=time.device)
    starts = functional.pad(ends[:-1], (1, 0))
    after_end = time[:, None] > ends
    inside = (time[:, None] <= ends) & ((time[:, None] > starts) | (starts == 0))
    censored = (code == CENSORED)[:, None]
    half = censored & inside & (time[:, None] >= (starts + ends) / 2)
    lived = after_end | half
    cause = torch.where(inside & ~censored, code[:, None], torch.zeros_like(code)[:, None])
    return lived.to(time.dtype), cause


def log_hazards(logits: Tensor, count: int) -> Tensor:
    """Return `[B, K, 3]` log-probabilities of (neither, event, death) within each interval."""
    causes = logits.reshape(len(logits), count, _CAUSES)
    return torch.log_softmax(functional.pad(causes, (1, 0)), dim=2)


def incidence(head: SurvivalHead, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return `[B, K]` cumulative incidence of the event and of death; neither can fall along K."""
    each = log_hazards(logits.double(), len(head.horizons_days))
    free = functional.pad(each[:, :-1, 0].cumsum(1), (1, 0)).exp()
    return (
        (free * each[:, :, 1].exp()).cumsum(1),
        (free * each[:, :, 2].exp()).cumsum(1),
    )


def log_odds(head: SurvivalHead, logits: Tensor) -> Tensor:
    """Return `[B]` of the event by the last horizon."""
    last = incidence(head, logits)[0][:, -1].clamp(_EDGE, 1 - _EDGE)
    return torch.logit(last).float()


def meaning(head: SurvivalHead) -> str:
    """Return what the log-odds are of, as part of a sentence."""
    days = f"{head.horizons_days[-1]:g}"
    event = f"the event '{head.endpoint}'" if head.endpoint else "the event"
    return f"logit of the cumulative incidence of {event} by day {days}, the last horizon"


def calibrate(head: SurvivalHead, case: Case) -> dict[str, Any]:
    """Return nothing: a likelihood without class weights is left as it was learned.

    A recalibration of each horizon by itself could let a curve fall.
    """
    del head, case
    return {}


def answers(head: SurvivalHead, logits: Tensor, calibration: dict[str, Any]) -> dict[str, Floats]:
    """Return the cumulative incidence of the event by each horizon, and `death.` that of death.

    The mean of curves that cannot fall cannot fall.
    """
    del calibration
    each = [incidence(head, member) for member in logits]
    event, death = (torch.stack(curves).mean(0) for curves in zip(*each, strict=True))
    found = {f"{day:g}": np.asarray(event[:, i]) for i, day in enumerate(head.horizons_days)}
    return found | {
        f"death.{day:g}": np.asarray(death[:, i]) for i, day in enumerate(head.horizons_days)
    }


def start(head: SurvivalHead, frame: pd.DataFrame) -> npt.NDArray[np.float32]:
    """Return `[outputs]` logits at which everyone has the training part's own hazards.

    Rates are a few per cent: from logits of 0 the first epochs would only learn that.
    """
    time_column, code_column = columns_of(head)
    timed = frame[frame[time_column].notna()]
    time = torch.tensor(timed[time_column].to_numpy(np.float64))
    code = torch.tensor(timed[code_column].to_numpy(np.float64))
    lived, cause = intervals(time, code, horizons=head.horizons_days)
    # Half an event more in every cell keeps an empty one finite (Haldane 1956).
    free = lived.sum(0) + 0.5
    each = [((cause == kind).sum(0) + 0.5) / free for kind in (EVENT, COMPETING)]
    return torch.stack(each, dim=1).log().reshape(-1).numpy().astype(np.float32)
