"""By how much a model is at least better than another one: a one-sided bound of the difference.

The figure is the report's headline: the AUROC, under cross-validation its mean within folds. Draws
of patients are those of `paired`, so that bound and interval never contradict each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from components.core.comparison.judged import Judged, why_unpaired
from components.core.errors import ConfigError, InputError
from components.core.metrics.bootstrap import difference, intervals
from components.core.metrics.folds import NOTE, mean_over_folds
from components.core.metrics.interval import Interval
from components.core.metrics.metric import Sample, Statistic, statistics_for
from components.core.metrics.registry import named
from components.core.metrics.resampling import Clusters, Plan, clusters
from components.core.metrics.tables import (
    Floats,
    PatientTables,
    floats,
    fold_table,
)

FIGURE = "auroc"


@dataclass(frozen=True)
class OneSided:
    """A figure and what it is at least.

    Attributes:
        value: the figure on the sample itself; NaN where undefined.
        lower: one-sided lower bound; NaN where no draw defines the figure, so that no rule of the
            form `lower > x` passes then.
        level: confidence of the bound, 0.95 for 95 %.
        method: how the bound came about, in words for the report.
    """

    value: float
    lower: float
    level: float
    method: str


def lower_bound(reference: Judged, other: Judged, plan: Plan, *, level: float = 0.95) -> OneSided:
    """Return the other model's headline AUROC minus the reference's, with its lower bound.

    Above 0, the other model is better; above −margin, it is not inferior by the margin. The bound
    is the lower end of the two-sided interval of `2·level − 1`, whose percentiles are moved
    outwards for few patients, under cross-validation for few patients a fold
    (`interval.expanded_tail`); how often it errs is in docs/promotion_statistics.md.

    Args:
        reference: the model in place.
        other: on the same patients and folds.
        plan: how to resample; its own level is not used.
        level: confidence of the bound, above 0.5 and below 1.

    Raises:
        ConfigError: a level outside (0.5, 1).
        InputError: the models cannot be paired.
    """
    two_sided = at_level(plan, level)
    reason = why_unpaired((reference, other))
    if reason:
        raise InputError(f"{reason}; compare models that were tested on the same patients")
    statistic = headline_difference(reference.tables, other.tables)
    within, weight = headline_rows(reference.tables, two_sided)
    note = f"paired difference, {NOTE}" if reference.tables.folded else "paired difference, "
    groups = folds(reference.tables)
    found = intervals(statistic, within, weight=weight, plan=two_sided, note=note, groups=groups)
    return one_sided(found[FIGURE], level)


def headline_difference(reference: PatientTables, other: PatientTables) -> Statistic:
    """Return the headline AUROC of `other` minus that of `reference`, for any draws of patients.

    Args:
        reference: one row per patient, or per (repeat, fold, patient).
        other: the same rows in the same order.
    """
    return difference(headline(other), headline(reference))


def headline(tables: PatientTables) -> Statistic:
    """Return the headline AUROC for any draws of patients."""
    if tables.folded:
        return mean_over_folds(fold_table(tables), (FIGURE,))
    frame = tables.pooled
    sample = Sample(
        y=floats(frame, "label"), score=floats(frame, "logit"), weight=floats(frame, "weight")
    )
    return statistics_for(sample, named((FIGURE,)))


def headline_rows(tables: PatientTables, plan: Plan) -> tuple[Clusters, Floats]:
    """Return patients and weights of the rows that the headline is taken over."""
    frame = tables.each if tables.folded else tables.pooled
    weight = floats(frame, "weight")
    patient = frame["patient_id"].to_numpy()
    return clusters(patient, floats(frame, "label"), weight=weight, plan=plan), weight


def folds(tables: PatientTables) -> int:
    """Return the number of folds that patients are compared within; 1 for a holdout."""
    return int(tables.each["fold"].nunique()) if tables.folded else 1


def at_level(plan: Plan, level: float) -> Plan:
    """Return the plan of the two-sided interval whose lower end is the one-sided bound.

    Raises:
        ConfigError: a level outside (0.5, 1).
    """
    if not 0.5 < level < 1:
        raise ConfigError(
            f"the level of a one-sided bound is {level}; give a value between 0.5 and 1, 0.95 for "
            "95 %"
        )
    return replace(plan, level=2 * level - 1)


def one_sided(interval: Interval, level: float) -> OneSided:
    """Return the lower bound of `level` from the interval of `at_level`."""
    lost = f", undefined in {interval.undefined} draws" if interval.undefined else ""
    method = f"one-sided {level * 100:g} %, the lower end of: {interval.method}{lost}"
    return OneSided(interval.value, interval.lo, level, method)
