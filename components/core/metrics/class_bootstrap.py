"""Figures of a task with several classes on the one bootstrap.

A patient's class is the highest one among the rows. Every module of this package may hold a tuple
`CLASS_METRICS`.

>>> import numpy as np
>>> from components.core.metrics.class_metric import class_sample
>>> y = np.tile([0, 1, 2], 40)
>>> probs = np.eye(3)[y] * 0.4 + 0.2
>>> sample = class_sample(y, probs, names=("none", "mild", "severe"))
>>> found = class_bootstrap(sample, np.arange(120), metrics=["accuracy", "auroc"])
>>> list(found)
['accuracy', 'auroc/none', 'auroc/mild', 'auroc/severe']
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from types import MappingProxyType
from typing import cast

import numpy as np
import numpy.typing as npt

from components.core.errors import CardioError, InputError
from components.core.metrics.bootstrap import difference, intervals
from components.core.metrics.checks import IntArray
from components.core.metrics.class_metric import ClassFamily, ClassMetric, ClassSample
from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Scale, Statistic, joined
from components.core.metrics.registry import chosen, discovered
from components.core.metrics.resampling import Clusters, Plan, clusters


def class_figures(sample: ClassSample, metrics: Iterable[str]) -> dict[str, float]:
    """Return the figures on the sample itself; NaN where a class that they need is missing.

    Raises:
        ConfigError: an unknown metric.
        InputError: no metric.
    """
    statistic = class_statistic(sample, metrics)
    return statistic.value(RowWeights.observed(sample.y.size, sample.weight))


def class_bootstrap(
    sample: ClassSample,
    groups: npt.ArrayLike,
    *,
    metrics: Iterable[str],
    plan: Plan | None = None,
) -> dict[str, Interval]:
    """Return each figure with its patient-clustered interval.

    Args:
        sample: predictions, from `class_sample`.
        groups: `[n]` patient ids; a patient's class is the highest one among the rows.
        metrics: names from `all_class_metrics`.
        plan: how to resample; patients of different classes are drawn apart where one is rare.

    Raises:
        ConfigError: an unknown metric.
        InputError: no metric, or groups of the wrong shape.
    """
    wanted = tuple(metrics)
    scales: dict[str, Scale] = {
        key: each.scale for each in class_named(wanted) for key in each.keys(sample.names)
    }
    statistic = class_statistic(sample, wanted)
    return _run(statistic, sample, groups, plan or Plan(), wanted, scales=scales)


def class_paired_difference(
    first: ClassSample,
    second: ClassSample,
    groups: npt.ArrayLike,
    *,
    metrics: Iterable[str],
    plan: Plan | None = None,
) -> dict[str, Interval]:
    """Return first minus second for two models on the same rows and the same draws of patients.

    Arguments as in `class_bootstrap`.

    Raises:
        ConfigError: an unknown metric.
        InputError: the two are not of the same rows and classes.
    """
    if not np.array_equal(first.y, second.y) or first.names != second.names:
        raise InputError(
            "the two models were not tested on the same rows and classes; align their predictions"
        )
    wanted = tuple(metrics)
    pair = [class_statistic(sample, wanted) for sample in (first, second)]
    note = "paired difference, "
    return _run(difference(*pair), first, groups, plan or Plan(), wanted, note=note)


def class_statistic(sample: ClassSample, metrics: Iterable[str]) -> Statistic:
    """Return one statistic for all `metrics`, siblings prepared together, in the order given.

    Raises:
        ConfigError: an unknown metric.
        InputError: no metric.
    """
    wanted = class_named(metrics)
    if not wanted:
        raise InputError("no metric was asked for; name at least one")
    families: dict[ClassFamily, list[str]] = {}
    for metric in wanted:
        families.setdefault(metric.family, []).append(metric.name)
    parts = [family(sample, tuple(names)) for family, names in families.items()]
    return joined(parts, tuple(key for metric in wanted for key in metric.keys(sample.names)))


@cache
def all_class_metrics() -> MappingProxyType[str, ClassMetric]:
    """Return every figure for several classes by name, in the order of modules and their tuples.

    Raises:
        CardioError: two of the same name.
    """
    found: dict[str, ClassMetric] = {}
    for metric in cast("tuple[ClassMetric, ...]", discovered("CLASS_METRICS")):
        if metric.name in found:
            raise CardioError(f"two class metrics are named '{metric.name}'; rename one of them")
        found[metric.name] = metric
    return MappingProxyType(found)


def class_named(names: Iterable[str]) -> tuple[ClassMetric, ...]:
    """Return the class metrics called `names`, in that order.

    Raises:
        ConfigError: an unknown name.
    """
    return chosen(all_class_metrics(), names, kind="class metric")


def _run(
    statistic: Statistic,
    sample: ClassSample,
    groups: npt.ArrayLike,
    plan: Plan,
    metrics: tuple[str, ...],
    *,
    note: str = "",
    scales: dict[str, Scale] | None = None,
) -> dict[str, Interval]:
    y = sample.y.astype(np.float64)
    within = clusters(groups, y, weight=sample.weight, plan=plan)
    return intervals(
        statistic,
        within,
        weight=sample.weight,
        plan=plan,
        note=note,
        patients=_carriers(class_named(metrics), sample, within),
        scales=scales,
    )


def _carriers(
    metrics: tuple[ClassMetric, ...], sample: ClassSample, within: Clusters
) -> dict[str, int]:
    """Return how many patients each figure rests on: the fewer of those on either side."""
    sizes = _patients_by_class(sample, within)
    everyone = int(sizes.sum())
    above = everyone - np.cumsum(sizes)[:-1]
    carried = {
        "class": np.minimum(sizes, everyone - sizes),
        "cut": np.minimum(above, everyone - above),
        "overall": np.array([everyone]),
        "macro": np.array([sizes.min()]),
        "cell": np.full(sizes.size**2, everyone),
    }
    return {
        key: int(size)
        for metric in metrics
        for key, size in zip(metric.keys(sample.names), carried[metric.scope], strict=True)
    }


def _patients_by_class(sample: ClassSample, within: Clusters) -> IntArray:
    highest = np.zeros(within.patient.max() + 1, dtype=np.int64)
    known = sample.y if sample.weight is None else sample.y * (sample.weight > 0)
    np.maximum.at(highest, within.patient, known)
    return np.bincount(highest, minlength=len(sample.names))
