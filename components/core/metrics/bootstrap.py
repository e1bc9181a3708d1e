"""Patient-clustered bootstrap intervals of any figure, and of differences on the same draws.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> patient = np.arange(400) // 2
>>> y = np.repeat(rng.random(200) < 0.3, 2)
>>> prob = 1 / (1 + np.exp(-(rng.normal(size=400) + 1.5 * y - 1)))
>>> bootstrap(y, prob, patient, metrics=["auroc"], plan=Plan(draws=500))["auroc"].text(2)
'0.84 (0.79 to 0.88)'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from components.core.metrics.checks import FloatArray, Vector, binary, finite
from components.core.metrics.checks import weights as checked_weights
from components.core.metrics.interval import Interval, centred, on_logit_scale, percentile
from components.core.metrics.metric import RowWeights, Sample, Scale, Statistic, statistics_for
from components.core.metrics.registry import all_metrics, named
from components.core.metrics.resampling import Clusters, Plan, clusters, replicate

DEFAULT_METRICS = ("auroc", "auprc", "brier")
_RANKING = ("auroc", "auprc")


def bootstrap(
    y: Vector,
    score: Vector,
    groups: npt.ArrayLike,
    *,
    metrics: Iterable[str] = DEFAULT_METRICS,
    weight: Vector | None = None,
    threshold: float | FloatArray | None = None,
    plan: Plan | None = None,
) -> dict[str, Interval]:
    """Return each figure with its percentile interval.

    Args:
        y: `[n]` labels 0 or 1.
        score: `[n]` higher means more likely positive; probabilities where a metric needs them.
        groups: `[n]` patient ids; the recording's id where patients are unknown.
        metrics: names from the registry.
        weight: `[n]` row weights (IPCW); 0 for an unknown label.
        threshold: from validation, for the figures that need one; `[n]` where folds differ.
        plan: how to resample; 2,000 draws and 95 % unless given.

    Raises:
        ConfigError: an unknown metric.
        InputError: arrays that do not fit together, or scores that are no probabilities.
    """
    sample = _sample(y, score, weight, threshold=threshold)
    wanted = named(metrics)
    scales: dict[str, Scale] = {metric.name: metric.scale for metric in wanted}
    return _run(statistics_for(sample, wanted), sample, groups, plan=plan, scales=scales)


def paired_difference(
    y: Vector,
    scores: tuple[Vector, Vector],
    groups: npt.ArrayLike,
    *,
    metrics: Iterable[str] = _RANKING,
    weight: Vector | None = None,
    thresholds: tuple[float | FloatArray | None, float | FloatArray | None] = (None, None),
    plan: Plan | None = None,
) -> dict[str, Interval]:
    """Return first minus second for two models on the same rows and the same draws of patients.

    Arguments as in `bootstrap`; `scores` and `thresholds` hold one entry per model.
    """
    wanted = named(metrics)
    pair = [
        _sample(y, score, weight, threshold=threshold)
        for score, threshold in zip(scores, thresholds, strict=True)
    ]
    statistic = difference(*(statistics_for(sample, wanted) for sample in pair))
    return _run(statistic, pair[0], groups, plan=plan, note="paired difference, ")


def oracle_share(
    y: Vector,
    scores: tuple[Vector, Vector],
    groups: npt.ArrayLike,
    *,
    weight: Vector | None = None,
    plan: Plan | None = None,
) -> dict[str, Interval]:
    """Return `oracle_auroc`, and `oracle_share` = (AUROC − 0.5)/(oracle − 0.5) on the same draws.

    Args:
        y: `[n]` labels 0 or 1.
        scores: `[n]` of the model and `[n]` of the oracle, in this order.
        groups: `[n]` patient ids.
        weight: `[n]` row weights.
        plan: how to resample.

    The share is undefined where the oracle is not above chance.
    """
    model, oracle = (_sample(y, score, weight) for score in scores)
    parts = [statistics_for(sample, named(["auroc"])) for sample in (model, oracle)]

    def evaluate(weights: RowWeights) -> FloatArray:
        ours, best = (part.evaluate(weights)[:, 0] for part in parts)
        room = np.where(best > 0.5, best - 0.5, np.nan)
        return np.stack([best, (ours - 0.5) / room], axis=1)

    statistic = Statistic(("oracle_auroc", "oracle_share"), evaluate)
    return _run(statistic, model, groups, plan=plan)


def difference(first: Statistic, second: Statistic) -> Statistic:
    """Return first minus second, figure by figure, on the same draws."""

    def evaluate(weights: RowWeights) -> FloatArray:
        return first.evaluate(weights) - second.evaluate(weights)

    return Statistic(first.names, evaluate)


def intervals(
    statistic: Statistic,
    within: Clusters,
    *,
    weight: FloatArray | None,
    plan: Plan,
    note: str = "",
    patients: Mapping[str, int] | None = None,
    scales: Mapping[str, Scale] | None = None,
    groups: int = 1,
) -> dict[str, Interval]:
    """Return each figure of any `statistic` with its interval: the way in for a new kind of metric.

    Args:
        statistic: figures over the `n` rows of `within`.
        within: patients of the rows, from `resampling.clusters`.
        weight: `[n]` row weights or None.
        plan: how to resample.
        note: words put before the method.
        patients: how many patients a figure rests on, where it is not those of the rarest class.
        scales: where a figure's interval is made, `plain` unless named.
        groups: that patients are compared within, for `interval.expanded_tail` on the plain scale.
    """
    value = statistic.value(RowWeights.observed(within.patient.size, weight))
    draws = replicate(statistic, within, weight=weight, plan=plan)
    return {
        name: summarised(
            value[name],
            draws[:, column],
            plan=plan,
            patients=(patients or {}).get(name, within.rarest),
            scale=(scales or {}).get(name, "plain"),
            words=(note, within.words),
            groups=groups,
        )
        for column, name in enumerate(statistic.names)
    }


def scales_of(names: Iterable[str]) -> dict[str, Scale]:
    """Return the scale of each figure called `<anything>|<metric>`, for `intervals`.

    One and the same figure then has one and the same interval wherever it is shown.
    """
    known = all_metrics()
    tails = {name: name.rpartition("|")[2] for name in names}
    return {name: known[tail].scale for name, tail in tails.items() if tail in known}


def summarised(
    value: float,
    draws: FloatArray,
    *,
    plan: Plan,
    patients: int,
    scale: Scale,
    words: tuple[str, str],
    groups: int = 1,
) -> Interval:
    """Return the interval of one figure from its draws.

    Args:
        value: the figure on the sample itself.
        draws: `[plan.draws]`.
        plan: how they were made.
        patients: how many the figure rests on.
        scale: where the interval is made; on the plain one where a draw reached 0 or 1.
        words: before and after the kind of interval, in its method.
        groups: that patients are compared within; the logit scale takes no notice of them.
    """
    before, level = words[0], f"{plan.level * 100:g} %"
    kind = "expanded percentile bootstrap" if plan.corrected else "percentile bootstrap"
    if plan.corrected and scale == "logit":
        method = f"{before}{level} bootstrap on the logit scale, {words[1]}"
        found = on_logit_scale(value, draws, level=plan.level, method=method, patients=patients)
        if found is not None:
            return found
        kind = f"{kind} (no logit where a draw reaches 0 or 1)"
    if scale == "centred":
        draws, kind = centred(value, draws), f"{kind} with the draws centred on the figure"
    method = f"{before}{level} {kind}, {words[1]}"
    carried = patients if plan.corrected else None
    return percentile(
        value, draws, level=plan.level, method=method, patients=carried, groups=groups
    )


def _run(
    statistic: Statistic,
    sample: Sample,
    groups: npt.ArrayLike,
    *,
    plan: Plan | None,
    note: str = "",
    scales: Mapping[str, Scale] | None = None,
) -> dict[str, Interval]:
    chosen = plan or Plan()
    within = clusters(groups, sample.y, weight=sample.weight, plan=chosen)
    return intervals(statistic, within, weight=sample.weight, plan=chosen, note=note, scales=scales)


def _sample(
    y: Vector,
    score: Vector,
    weight: Vector | None,
    *,
    threshold: float | FloatArray | None = None,
) -> Sample:
    labels = binary(y)
    values = finite(score, "the score", rows=labels.size)
    if isinstance(threshold, np.ndarray):
        threshold = finite(threshold, "the threshold", rows=labels.size)
    own = checked_weights(weight, rows=labels.size)
    return Sample(y=labels, score=values, threshold=threshold, weight=own)
