"""Figures over classes in rising order: agreement that forgives near misses, and cumulative AUROCs.

Everything rests on the most probable class but the cumulative AUROCs, which rank patients by the
probability of reaching a class or a higher one.
"""

from __future__ import annotations

import numpy as np

from components.core.metrics.checks import FloatArray
from components.core.metrics.class_metric import ClassMetric, ClassSample
from components.core.metrics.discrimination import family as ranking_family
from components.core.metrics.metric import RowWeights, Sample, Statistic
from components.core.metrics.multiclass import confusion

_POWERS = {"linear_kappa": 1, "quadratic_kappa": 2, "class_distance": 1}


def agreement(sample: ClassSample, names: tuple[str, ...]) -> Statistic:
    """Prepare weighted kappas (Cohen 1968) and the mean absolute error in classes.

    Kappa is 1 minus the mean disagreement over that of labels and calls drawn independently; the
    disagreement is the distance in classes, or its square. NaN where the latter is 0.
    """
    prepared = confusion(sample)
    place = np.arange(len(sample.names))
    distance = np.abs(place[:, None] - place[None, :]).astype(np.float64)

    def figure(name: str, share: FloatArray) -> FloatArray:
        cost = distance ** _POWERS[name]
        observed = np.einsum("dij,ij->d", share, cost)
        if name == "class_distance":
            return observed
        chance = np.einsum("di,dj,ij->d", share.sum(axis=2), share.sum(axis=1), cost)
        return 1 - observed / np.where(chance > 0, chance, np.nan)

    def evaluate(weights: RowWeights) -> FloatArray:
        cells = prepared(weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = cells / cells.sum(axis=(1, 2), keepdims=True)
        return np.stack([figure(name, share) for name in names], axis=1)

    return Statistic(names, evaluate)


def cumulative(sample: ClassSample, names: tuple[str, ...]) -> Statistic:
    """Prepare `auroc_from/<class>`: reaching the class or a higher one against staying below it."""
    (name,) = names
    reached = np.cumsum(sample.probs[:, ::-1], axis=1)[:, ::-1]
    parts = [
        ranking_family(Sample(y=(sample.y >= k).astype(np.float64), score=own), ("auroc",))
        for k, own in enumerate(reached.T)
        if k > 0
    ]
    keys = tuple(f"{name}/{each}" for each in sample.names[1:])
    return Statistic(keys, lambda weights: np.hstack([part.evaluate(weights) for part in parts]))


_KAPPAS = {
    "linear_kappa": "Kappa with linear weights",
    "quadratic_kappa": "Kappa with quadratic weights",
}
CLASS_METRICS = (
    *(
        ClassMetric(
            name=name,
            title=title,
            direction="higher",
            lo=-1.0,
            hi=1.0,
            ideal=1.0,
            scope="overall",
            ordinal=True,
            family=agreement,
        )
        for name, title in _KAPPAS.items()
    ),
    ClassMetric(
        name="class_distance",
        title="Mean absolute error in classes",
        direction="lower",
        lo=0.0,
        hi=np.inf,
        ideal=0.0,
        scope="overall",
        ordinal=True,
        family=agreement,
    ),
    ClassMetric(
        name="auroc_from",
        title="AUROC of reaching the class",
        direction="higher",
        lo=0.0,
        hi=1.0,
        ideal=1.0,
        scope="cut",
        ordinal=True,
        family=cumulative,
        scale="logit",
    ),
)
