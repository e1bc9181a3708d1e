"""Do the attributions sum to what they explain?

Integrated Gradients, Layer IG and Shapley values are complete: their sum is the log-odds minus
the log-odds of the baseline (Sundararajan et al. 2017; Shapley 1953). What is missing is the error
of the numerical path or of sampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.resampling import Plan
from components.explain.faithfulness.means import Floats, Ids, bootstrapped, quotient
from components.explain.method import Attributed
from components.explain.subject import Subject

# An error above this share of the median |log-odds − log-odds of the baseline| can be seen.
NOTICEABLE = 0.01
_BATCH = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Completeness:
    """What attributions leave unexplained.

    Attributes:
        error: `[n]` |sum of attributions − change|.
        change: `[n]` |log-odds − log-odds of the baseline|.
        patients: `[n]` ids.
    """

    error: Floats
    change: Floats
    patients: Ids


def completeness(subject: Subject, attributed: Attributed) -> Completeness | None:
    """Return the error of all of the subject's records; None where a method claims none."""
    if attributed.error is None:
        return None
    return Completeness(
        error=np.abs(attributed.error),
        change=np.abs(
            changes(subject, attributed.over or subject.inputs, taken_out=attributed.taken_out)
        ),
        patients=subject.rows.frame["patient_id"].to_numpy(object),
    )


def changes(
    subject: Subject, modalities: Sequence[str], *, taken_out: Sequence[str] = ()
) -> Floats:
    """Return `[n]` log-odds minus those with some modalities at their baselines.

    Args:
        subject: networks and records.
        modalities: that are set to their baselines.
        taken_out: those among them that the record is to have none of instead.
    """
    found: list[Floats] = []
    every: npt.NDArray[np.int64] = np.arange(len(subject))
    for part in subject.parts(every, most=_BATCH):
        batch = subject.batch(part)
        base = subject.baselines(batch)
        masks = {name: torch.zeros_like(batch[f"{name}_mask"]) for name in taken_out}
        own = {name: base[name] for name in modalities if name not in taken_out}
        empty = {**batch, **own, **{f"{name}_mask": mask for name, mask in masks.items()}}
        found.append(subject.log_odds(batch) - subject.log_odds(empty))
    return np.concatenate(found)


def pooled(found: Sequence[Completeness]) -> Completeness:
    """Return several folds' records as one set."""
    return Completeness(
        error=np.concatenate([each.error for each in found]),
        change=np.concatenate([each.change for each in found]),
        patients=np.concatenate([each.patients for each in found]),
    )


def figures(found: Completeness, plan: Plan) -> dict[str, Interval]:
    """Return `completeness_error` and `completeness_above`; 0 is best.

    The first is median error / median change, the second the share of records whose error is
    above `NOTICEABLE` of the median change.
    """

    def evaluate(weights: RowWeights) -> Floats:
        rows = weights.take(np.arange(len(found.error))).astype(np.float64)
        middle = weighted_median(found.change, rows)
        above = found.error[None, :] > NOTICEABLE * middle[:, None]
        share = (rows * above).sum(axis=1) / rows.sum(axis=1)
        error = quotient(weighted_median(found.error, rows), middle)
        return np.stack([error, share], axis=1)

    names = ("completeness_error", "completeness_above")
    return bootstrapped(Statistic(names, evaluate), found.patients, plan)


def weighted_median(values: Floats, weights: Floats) -> Floats:
    """Return `[D]` the median of `[n]` values that `[D, n]` weights repeat.

    Where exactly half lies below, the mean of the two in the middle.
    """
    order = np.argsort(values, kind="stable")
    ranked, running = values[order], weights[:, order].cumsum(axis=1)
    half = running[:, -1:] / 2
    low = (running >= half).argmax(axis=1)
    high = (running > half).argmax(axis=1)
    return (ranked[low] + ranked[high]) / 2
