"""Figures of times to event for two models, with intervals, on the one bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from components.core.metrics.bootstrap import difference, intervals
from components.core.metrics.checks import FloatArray
from components.core.metrics.concordance import concordance
from components.core.metrics.folds import NOTE, mean_over
from components.core.metrics.followed import Followed, followed
from components.core.metrics.incidence import cumulative_incidence
from components.core.metrics.interval import Interval
from components.core.metrics.metric import Statistic, joined
from components.core.metrics.resampling import Plan, clusters
from components.core.metrics.survival_brier import brier_at, integrated_brier
from components.core.metrics.tables import Figures, floats
from components.core.metrics.time_auc import time_auc_at
from components.evaluate.follow_up_table import CODE, TIME, FollowUp

CONSTANT, GAP = "constant", "gap"


@dataclass(frozen=True, kw_only=True)
class SurvivalFigures:
    """Every figure as `<who>:<name>`: a compared model, `gap` (their difference) or `constant`.

    Attributes:
        pooled: over one row per patient.
        within: ranking figures as means of within-fold ones; the pooled ones without folds.
        incidence: horizon → cumulative incidence (Aalen–Johansen).
    """

    pooled: Figures
    within: Figures
    incidence: dict[float, Interval]


def survival_figures(found: FollowUp, plan: Plan, *, errors: bool = True) -> SurvivalFigures:
    """Return all figures.

    Censoring is estimated on all evaluated patients, one row each, for the folds, too.

    Args:
        found: the patients.
        plan: the bootstrap.
        errors: Brier scores, too.
    """
    frame = found.pooled
    time, code = floats(frame, TIME), floats(frame, CODE)
    sample = followed(time, code)
    incidence = {h: cumulative_incidence(time, code, h) for h in found.horizons}

    def ranking(who: str) -> Statistic:
        return _ranking(found, sample, frame, who)

    pooled = _intervals(frame, _versus(ranking, found.models), plan)
    told = tuple(who for who in found.models if f"{who}@" not in found.missing)
    if errors and found.horizons and told:

        def error(who: str) -> Statistic:
            return _error(found, sample, who)

        pooled |= _intervals(frame, _versus(error, told), plan)
        constant = _named(CONSTANT, _error(found, sample, CONSTANT))
        pooled |= _intervals(frame, constant, plan)
    within = _within(found, sample, plan) if found.folded else pooled
    return SurvivalFigures(pooled=pooled, within=within, incidence=incidence)


def _ranking(found: FollowUp, sample: Followed, frame: pd.DataFrame, who: str) -> Statistic:
    tau = found.horizons[-1] if found.horizons else None
    score = floats(frame, who)
    parts = [
        concordance(sample, score, kind="harrell"),
        concordance(sample, score, kind="uno", tau=tau),
    ]
    for day in found.horizons:
        parts.append(time_auc_at(sample, floats(frame, found.score_at(who, day)), (day,)))
    return joined(parts)


def _error(found: FollowUp, sample: Followed, who: str) -> Statistic:
    """Return Brier scores of a model's risks, or of the cohort's own incidence for everyone."""

    def risks(times: tuple[float, ...]) -> FloatArray:
        if who == CONSTANT:
            own = [cumulative_incidence(sample.time, sample.code, t).value for t in times]
            return np.tile(own, (sample.time.size, 1))
        return found.pooled[[f"{who}@{t:g}" for t in times]].to_numpy(np.float64)

    parts = [brier_at(sample, risks(found.horizons), found.horizons)]
    if len(found.grid) > 1:
        parts.append(integrated_brier(sample, risks(found.grid), found.grid))
    return joined(parts)


def _versus(make: Callable[[str], Statistic], models: tuple[str, ...]) -> Statistic:
    """Return the figures of each model and, of two, their difference on the same draws."""
    parts = [make(who) for who in models]
    named = [_named(who, part) for who, part in zip(models, parts, strict=True)]
    if len(parts) == 2:
        named.append(_named(GAP, difference(parts[0], parts[1])))
    return joined(named)


def _named(who: str, statistic: Statistic) -> Statistic:
    return Statistic(tuple(f"{who}:{name}" for name in statistic.names), statistic.evaluate)


def _within(found: FollowUp, sample: Followed, plan: Plan) -> Figures:
    frame = found.each
    whole = followed(floats(frame, TIME), floats(frame, CODE), censoring=sample.censoring)
    cells = [
        np.asarray(rows, dtype=np.int64)
        for rows in frame.groupby(["repeat", "fold"]).indices.values()
    ]

    def make(who: str) -> Statistic:
        return mean_over(
            [(rows, _ranking(found, whole.part(rows), frame.iloc[rows], who)) for rows in cells]
        )

    return _intervals(frame, _versus(make, found.models), plan, note=NOTE)


def _intervals(frame: pd.DataFrame, statistic: Statistic, plan: Plan, *, note: str = "") -> Figures:
    event = floats(frame, CODE) == 1
    within = clusters(
        frame["patient_id"].to_numpy(), event.astype(np.float64), weight=None, plan=plan
    )
    return intervals(statistic, within, weight=None, plan=plan, note=note)
