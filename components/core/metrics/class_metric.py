"""Predictions of a task with several classes, and what a figure of them is.

Legend of shapes: `n` rows, `K` classes. A figure by class has one value per class and is named
`<figure>/<class>`. The binary siblings are `metric.Sample` and `metric.Metric`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray, IntArray, Vector, finite
from components.core.metrics.checks import weights as checked_weights
from components.core.metrics.metric import Direction, Scale, Statistic

# What a figure is of: everyone, the mean over classes, each class against the rest, each cut
# between neighbouring classes, or each cell of the confusion matrix.
Scope = Literal["overall", "macro", "class", "cut", "cell"]
# Rows of a softmax in float32 add up to 1 within a few 1e-7 per class.
_SUM_TOLERANCE = 1e-5
# What the tracking store takes in a name, less the slash that separates its parts.
_NAME = re.compile(r"[A-Za-z0-9_.-]+$")


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassSample:
    """Checked predictions over `K` classes.

    Attributes:
        y: `[n]` class in 0 … K − 1; in rising order where the classes are ordinal.
        probs: `[n, K]` probabilities, each row adding up to 1.
        names: of the classes.
        weight: `[n]` row weights of the sample itself, or None for ones.
    """

    y: IntArray
    probs: FloatArray
    names: tuple[str, ...]
    weight: FloatArray | None = None

    @property
    def called(self) -> IntArray:
        """Return `[n]` the most probable class, the lowest of several."""
        return self.probs.argmax(axis=1)


ClassFamily = Callable[[ClassSample, tuple[str, ...]], Statistic]


@dataclass(frozen=True, kw_only=True)
class ClassMetric:
    """One figure, or one per class.

    Attributes:
        name: key in tracking and tables; with `/<class>` behind it unless overall or macro.
        title: name in print.
        direction: `higher` or `lower` is better, or a `target` value.
        lo: least possible value.
        hi: greatest possible value.
        ideal: the value of a perfect model.
        scope: what it is of.
        ordinal: it means something only where the classes are in order.
        family: prepares this figure with its siblings, which share the costly part.
        scale: where its interval is made.
    """

    name: str
    title: str
    direction: Direction
    lo: float
    hi: float
    ideal: float
    scope: Scope
    ordinal: bool = False
    family: ClassFamily
    scale: Scale = "plain"

    def keys(self, classes: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of its values."""
        parts = {
            "class": classes,
            "cut": classes[1:],
            "cell": tuple(f"{true}/{called}" for true in classes for called in classes),
        }.get(self.scope)
        return (self.name,) if parts is None else tuple(f"{self.name}/{part}" for part in parts)


def class_sample(
    y: Vector, probs: FloatArray, *, names: Iterable[str] = (), weight: Vector | None = None
) -> ClassSample:
    """Return checked predictions; classes are named by their number unless `names` says otherwise.

    Raises:
        InputError: arrays that do not fit together, a class outside 0 … K − 1, probabilities that
            are none or do not add up to 1, or names that the tracking store would refuse.
    """
    labels = finite(y, "the class")
    table = np.asarray(probs, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != labels.size or table.shape[1] < 2 or labels.size == 0:
        raise InputError(
            f"the probabilities have shape {table.shape} for {labels.size} classes; hand in one "
            "row per prediction and one column per class, two at least"
        )
    classes = tuple(names) or tuple(map(str, range(table.shape[1])))
    _check_labels(labels, table.shape[1])
    _check_probs(table)
    _check_names(classes, table.shape[1])
    own = checked_weights(weight, rows=labels.size)
    return ClassSample(y=labels.astype(np.int64), probs=table, names=classes, weight=own)


def _check_labels(labels: FloatArray, classes: int) -> None:
    wrong = (labels != np.floor(labels)) | (labels < 0) | (labels >= classes)
    if wrong.any():
        raise InputError(
            f"the class is {labels[wrong][0]:g} in {int(wrong.sum())} of {labels.size} rows; with "
            f"{classes} columns of probabilities it must be a whole number from 0 to {classes - 1}"
        )


def _check_probs(probs: FloatArray) -> None:
    outside = ~((probs >= 0) & (probs <= 1)).all(axis=1)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise InputError(
            f"row {row} holds a probability outside [0, 1] ({int(outside.sum())} such rows); apply "
            "the softmax to logits first"
        )
    off = np.abs(probs.sum(axis=1) - 1)
    if off.max() > _SUM_TOLERANCE:
        row = int(off.argmax())
        raise InputError(
            f"the probabilities of row {row} add up to {probs[row].sum():g}; they must make 1"
        )


def _check_names(names: tuple[str, ...], classes: int) -> None:
    bad = [name for name in names if not _NAME.match(name)]
    if bad:
        raise InputError(
            f"the class name '{bad[0]}' cannot stand in the tracking store; use letters, digits, "
            "underscore, hyphen and dot"
        )
    if len(set(names)) != classes or len(names) != classes:
        raise InputError(
            f"there are {len(set(names))} different class names for {classes} columns of "
            "probabilities; name each class once"
        )
