"""Figures over several classes without order: by class against the rest, macro, and overall.

The called class is the most probable one. A figure that needs a class the data lack is NaN, and so
is a mean over classes that holds it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from components.core.metrics.checks import FloatArray
from components.core.metrics.class_metric import ClassFamily, ClassMetric, ClassSample, Scope
from components.core.metrics.discrimination import family as ranking_family
from components.core.metrics.metric import RowWeights, Sample, Statistic

# The distance from 1 to its neighbour: log loss stays finite for a class that was ruled out.
_EPSILON = float(np.finfo(np.float64).eps)

Confusion = Callable[[RowWeights], FloatArray]


def ranking(sample: ClassSample, names: tuple[str, ...]) -> Statistic:
    """Prepare `auroc` and `auprc` of each class against the rest, and their means over classes."""
    kinds = tuple(kind for kind in ("auroc", "auprc") if {kind, f"macro_{kind}"} & set(names))
    each = [
        ranking_family(Sample(y=(sample.y == k).astype(np.float64), score=own), kinds)
        for k, own in enumerate(sample.probs.T)
    ]

    def evaluate(weights: RowWeights) -> FloatArray:
        found = np.stack([part.evaluate(weights) for part in each], axis=2)
        columns = {kind: found[:, i] for i, kind in enumerate(kinds)}
        macros = {f"macro_{kind}": by.mean(axis=1, keepdims=True) for kind, by in columns.items()}
        return np.hstack([(columns | macros)[name] for name in names])

    return Statistic(_keys(sample, names), evaluate)


def decisions(sample: ClassSample, names: tuple[str, ...]) -> Statistic:
    """Prepare the figures of the confusion matrix."""
    prepared = confusion(sample)

    def evaluate(weights: RowWeights) -> FloatArray:
        cells = prepared(weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.hstack([_DECISIONS[name](cells) for name in names])

    return Statistic(_keys(sample, names), evaluate)


def confusion(sample: ClassSample) -> Confusion:
    """Return a function from row weights to `[D, K, K]`: weight by true and by called class."""
    classes = len(sample.names)
    cell = sample.y * classes + sample.called
    ones = np.zeros((cell.size, classes**2))
    ones[np.arange(cell.size), cell] = 1.0
    return lambda weights: weights.totals(ones).reshape(-1, classes, classes)


def errors(sample: ClassSample, names: tuple[str, ...]) -> Statistic:
    """Prepare `log_loss` (natural logarithm) and `brier`, the squared error summed over classes."""
    hit = sample.probs[np.arange(sample.y.size), sample.y]
    loss = -np.log(np.clip(hit, _EPSILON, 1.0))
    # Σₖ (pₖ − yₖ)² with yₖ 1 for the true class only (Brier 1950).
    square = (sample.probs**2).sum(axis=1) - 2 * hit + 1
    values = np.stack([np.ones_like(loss), loss, square], axis=1)
    columns = [("log_loss", "brier").index(name) + 1 for name in names]

    def evaluate(weights: RowWeights) -> FloatArray:
        sums = weights.totals(values)
        with np.errstate(invalid="ignore", divide="ignore"):
            return sums[:, columns] / sums[:, :1]

    return Statistic(names, evaluate)


def _keys(sample: ClassSample, names: tuple[str, ...]) -> tuple[str, ...]:
    known = {metric.name: metric for metric in CLASS_METRICS}
    return tuple(key for name in names for key in known[name].keys(sample.names))


def _accuracy(cells: FloatArray) -> FloatArray:
    return (np.einsum("dkk->d", cells) / cells.sum(axis=(1, 2)))[:, None]


def _f1(cells: FloatArray) -> FloatArray:
    """Return F1 of each class `[D, K]`; NaN where it is neither true nor called."""
    hit = np.einsum("dkk->dk", cells)
    return 2 * hit / (cells.sum(axis=1) + cells.sum(axis=2))


def _precision(cells: FloatArray) -> FloatArray:
    """Return PPV of each class `[D, K]`; NaN where it is never called."""
    return np.einsum("dkk->dk", cells) / cells.sum(axis=1)


def _recall(cells: FloatArray) -> FloatArray:
    """Return sensitivity of each class `[D, K]`; NaN where nobody has it."""
    return np.einsum("dkk->dk", cells) / cells.sum(axis=2)


def _weighted_f1(cells: FloatArray) -> FloatArray:
    """Return the mean of F1 by the classes' own weight; a class without any adds nothing."""
    own = cells.sum(axis=2)
    parts = np.where(own > 0, own * _f1(cells), 0.0)
    return (parts.sum(axis=1) / own.sum(axis=1))[:, None]


_DECISIONS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "accuracy": _accuracy,
    "precision": _precision,
    "recall": _recall,
    "f1": _f1,
    "macro_f1": lambda cells: _f1(cells).mean(axis=1, keepdims=True),
    "weighted_f1": _weighted_f1,
    "confusion": lambda cells: cells.reshape(cells.shape[0], -1),
}
# name, title, scope, family
_SHARES: tuple[tuple[str, str, Scope, ClassFamily], ...] = (
    ("auroc", "AUROC against the rest", "class", ranking),
    ("macro_auroc", "AUROC, mean over classes", "macro", ranking),
    ("auprc", "AUPRC against the rest", "class", ranking),
    ("macro_auprc", "AUPRC, mean over classes", "macro", ranking),
    ("accuracy", "Accuracy", "overall", decisions),
    ("precision", "Precision (PPV)", "class", decisions),
    ("recall", "Recall (sensitivity)", "class", decisions),
    ("f1", "F1", "class", decisions),
    ("macro_f1", "F1, mean over classes", "macro", decisions),
    ("weighted_f1", "F1, mean weighted by class size", "overall", decisions),
)
# name, title, greatest value, scope, family
_OTHERS: tuple[tuple[str, str, float, Scope, ClassFamily], ...] = (
    ("log_loss", "Log loss", np.inf, "overall", errors),
    ("brier", "Brier score, summed over classes", 2.0, "overall", errors),
)
CLASS_METRICS = (
    *(
        ClassMetric(
            name=name,
            title=title,
            direction="higher",
            lo=0.0,
            hi=1.0,
            ideal=1.0,
            scope=scope,
            family=family,
            scale="logit" if name.endswith("auroc") else "plain",
        )
        for name, title, scope, family in _SHARES
    ),
    *(
        ClassMetric(
            name=name,
            title=title,
            direction="lower",
            lo=0.0,
            hi=highest,
            ideal=0.0,
            scope=scope,
            family=family,
        )
        for name, title, highest, scope, family in _OTHERS
    ),
    ClassMetric(
        name="confusion",
        title="Weight by true and by called class",
        direction="target",
        lo=0.0,
        hi=np.inf,
        ideal=np.nan,
        scope="cell",
        family=decisions,
    ),
)
