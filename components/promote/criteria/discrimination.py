"""The candidate ranks patients better than the champion, or on request hardly worse."""

from __future__ import annotations

from dataclasses import replace

from components.core.comparison.judged import why_unpaired
from components.core.comparison.one_sided import lower_bound
from components.core.metrics.interval import number
from components.core.metrics.resampling import Plan
from components.promote.criterion import Case, Criterion

NAME = "discrimination"
ORDER = 60


def applies(case: Case) -> bool:
    """Return whether there is a champion to be compared with."""
    return case.champion is not None


def judge(case: Case) -> Criterion:
    """Return the one-sided lower bound of the paired difference in AUROC and what it must exceed.

    Under cross-validation the difference is the mean within folds, of out-of-fold predictions.
    """
    if case.champion is None:
        return Criterion(name=NAME, passed=True, sentence="there is no champion")
    rival = replace(case.champion.judged, letter="the champion")
    own = replace(case.candidate.judged, letter="the candidate")
    reason = why_unpaired([rival, own])
    if reason:
        return Criterion(name=NAME, passed=False, sentence=f"not comparable: {reason}")
    config = case.gate.discrimination
    plan = Plan(draws=config.draws, seed=config.seed)
    found = lower_bound(rival, own, plan, level=config.level)
    least = 0.0 if config.rule == "superiority" else -config.margin
    return Criterion(
        name=NAME,
        passed=found.lower > least,
        sentence=f"difference in AUROC {number(found.value)}, at least {number(found.lower)} "
        f"(one-sided {100 * found.level:g} %); {config.rule.replace('_', '-')} needs more than "
        f"{number(least)}",
        numbers={"difference": found.value, "lower": found.lower, "bound": least},
    )
