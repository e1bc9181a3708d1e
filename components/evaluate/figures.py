"""All figures of the evaluated part with their intervals, from patient-level tables."""

from __future__ import annotations

import numpy as np

from components.core.metrics.bootstrap import bootstrap, oracle_share
from components.core.metrics.delong import DeLong, delong
from components.core.metrics.folds import FoldRow, per_fold
from components.core.metrics.interval import Interval
from components.core.metrics.registry import all_metrics
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import (
    RANKING,
    Figures,
    Floats,
    PatientTables,
    floats,
    fold_table,
    sigmoid,
)


def pooled_figures(tables: PatientTables, plan: Plan) -> tuple[Figures, Figures]:
    """Return (figures, calibration figures before recalibration) over one row per patient.

    Ranking figures and those at the threshold use the logit (the threshold was chosen on it);
    figures of probability use the recalibrated one.
    """
    frame = tables.pooled
    y, weight, groups = (floats(frame, "label"), floats(frame, "weight"), frame["patient_id"])
    kinds = {name: metric.needs for name, metric in all_metrics().items()}
    ranking = [n for n, k in kinds.items() if k == "score"]
    decisions = [n for n, k in kinds.items() if k == "decision"]
    chances = [n for n, k in kinds.items() if k == "probability"]

    def run(score: Floats, names: list[str], threshold: float | None = None) -> Figures:
        return bootstrap(
            y, score, groups.to_numpy(), metrics=names, weight=weight, threshold=threshold,
            plan=plan,
        )  # fmt: skip

    after = run(sigmoid(floats(frame, "calibrated_logit")), chances)
    before = run(sigmoid(floats(frame, "logit")), chances)
    found = run(floats(frame, "logit"), ranking) | run(floats(frame, "margin"), decisions, 0.0)
    return found | after, before


def delong_test(tables: PatientTables, other: str) -> DeLong | str:
    """Return DeLong's test of the model against the logits in column `other`, or why not."""
    frame = tables.pooled
    if tables.folded:
        return "DeLong's test is not given: it is of two models, and here each fold has its own."
    if not np.array_equal(floats(frame, "weight"), np.ones(len(frame))):
        return "DeLong's test is not given: it knows no weights, and patients are censored here."
    y = floats(frame, "label")
    if min(y.sum(), y.size - y.sum()) < 2:
        return "DeLong's test is not given: it needs two patients in either class."
    pair = floats(frame, "logit"), floats(frame, other)
    return delong(y, pair, frame["patient_id"].to_numpy())


def spread(tables: PatientTables) -> list[FoldRow]:
    """Return the figures of every fold; empty for one fixed test part."""
    return per_fold(fold_table(tables), metrics=RANKING) if tables.folded else []


def against_oracle(tables: PatientTables, oracle: Floats, plan: Plan) -> tuple[Interval, Interval]:
    """Return (the oracle's AUROC, share of it) over one row per patient."""
    frame = tables.pooled
    found = oracle_share(
        floats(frame, "label"),
        (floats(frame, "logit"), oracle),
        frame["patient_id"].to_numpy(),
        weight=floats(frame, "weight"),
        plan=plan,
    )
    return found["oracle_auroc"], found["oracle_share"]
