"""Paired differences of every figure: the same draws of the same patients for both models."""

from __future__ import annotations

import numpy as np
import pandas as pd

from components.core.comparison.judged import Judged
from components.core.metrics.bootstrap import difference, intervals
from components.core.metrics.metric import Sample, Statistic, joined, statistics_for
from components.core.metrics.registry import all_metrics
from components.core.metrics.resampling import Plan, clusters
from components.core.metrics.tables import Figures, PatientTables, floats, sigmoid
from components.core.metrics.tables import difference as ranking_difference
from components.core.metrics.utility import net_benefit

# Thresholds of the report's table of net benefit.
THRESHOLDS = np.array([0.02, 0.05, 0.10, 0.20, 0.30])
WITHIN_FOLD = "_within_fold"


def paired(reference: Judged, other: Judged, plan: Plan) -> Figures:
    """Return the other model's figures minus the reference's, each with its interval.

    Names are those of the report; under cross-validation AUROC and AUPRC are there twice, pooled
    and as means within folds (`auroc_within_fold`), the report's headline.

    Args:
        reference: the first model.
        other: on the same patients and folds.
        plan: how to resample.
    """
    frame = reference.tables.pooled
    y, weight = floats(frame, "label"), floats(frame, "weight")
    within = clusters(frame["patient_id"].to_numpy(), y, weight=weight, plan=plan)
    statistic = difference(_figures(other.tables.pooled), _figures(frame))
    note = "paired difference, "
    found = intervals(statistic, within, weight=weight, plan=plan, note=note)
    if reference.tables.folded:
        inside = ranked(reference, other, plan)
        found |= {f"{name}{WITHIN_FOLD}": interval for name, interval in inside.items()}
    return found


def ranked(reference: Judged, other: Judged, plan: Plan) -> Figures:
    """Return the differences in AUROC and AUPRC alone, as the headline has them.

    They are those of `paired`: within folds under cross-validation, else over one row per patient.
    """
    each, rows = (
        getattr(other.tables, name).assign(
            **{"logit.reference": getattr(reference.tables, name)["logit"]}
        )
        for name in ("each", "pooled")
    )
    both = PatientTables(each=each, pooled=rows, folded=other.tables.folded)
    return ranking_difference(both, "logit.reference", plan)


def headline_name(model: Judged) -> str:
    """Return the figure by which models are called better: the report's headline."""
    return f"auroc{WITHIN_FOLD}" if model.tables.folded else "auroc"


def _figures(frame: pd.DataFrame) -> Statistic:
    """Return every figure of the report over one row per patient."""
    y, weight = floats(frame, "label"), floats(frame, "weight")
    prob = sigmoid(floats(frame, "calibrated_logit"))
    scores = {
        "score": (floats(frame, "logit"), None),
        "probability": (prob, None),
        "decision": (floats(frame, "margin"), 0.0),
    }
    parts = [
        statistics_for(
            Sample(y=y, score=score, threshold=threshold, weight=weight),
            [metric for metric in all_metrics().values() if metric.needs == needs],
        )
        for needs, (score, threshold) in scores.items()
    ]
    return joined([*parts, _benefit(y, prob)])


def _benefit(y: np.ndarray[tuple[int], np.dtype[np.float64]], prob: np.ndarray[
    tuple[int, ...], np.dtype[np.float64]
]) -> Statistic:  # fmt: skip
    both = net_benefit(y, prob, THRESHOLDS)
    names = tuple(f"net_benefit/{100 * t:g}" for t in THRESHOLDS.tolist())
    return Statistic(names, lambda weights: both.evaluate(weights)[:, : THRESHOLDS.size])
