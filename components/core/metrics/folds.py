"""Figures under repeated cross-validation: computed inside each fold, then averaged.

Pooling the out-of-fold scores of several models mixes their scales; the mean of within-fold figures
does not. The interval does not include the variance of training.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.errors import InputError
from components.core.metrics.bootstrap import difference, intervals
from components.core.metrics.checks import FloatArray, IntArray, Vector, binary, finite
from components.core.metrics.checks import weights as checked_weights
from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Sample, Scale, Statistic, statistics_for
from components.core.metrics.registry import named
from components.core.metrics.resampling import Plan, clusters

# Names in the method of the interval: what it covers and what it does not.
NOTE = "mean of within-fold figures, variance of training not included, "


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldTable:
    """Out-of-fold predictions of every repeat, `n` rows in all.

    Attributes:
        patient: `[n]` patient ids.
        repeat: `[n]` number of the repeat.
        fold: `[n]` number of the fold in which the row was held out.
        y: `[n]` labels 0 or 1.
        score: `[n]` logit or probability; higher means more likely positive.
        weight: `[n]` row weights (IPCW) or None.
    """

    patient: npt.NDArray[np.generic]
    repeat: IntArray
    fold: IntArray
    y: Vector
    score: Vector
    weight: Vector | None = None

    def __post_init__(self) -> None:
        rows = binary(self.y).size
        for name in ("patient", "repeat", "fold"):
            size = np.asarray(getattr(self, name)).size
            if size != rows:
                raise InputError(f"column '{name}' has {size} rows where {rows} are needed")

    def cells(self) -> dict[tuple[int, int], IntArray]:
        """Return the rows of each (repeat, fold), in ascending order."""
        keys = np.stack([np.asarray(self.repeat), np.asarray(self.fold)], axis=1)
        found, where = np.unique(keys, axis=0, return_inverse=True)
        return {
            (int(repeat), int(fold)): np.flatnonzero(where == cell)
            for cell, (repeat, fold) in enumerate(found)
        }


@dataclass(frozen=True)
class FoldRow:
    """Figures of one fold of one repeat; NaN where the fold lacks a class."""

    repeat: int
    fold: int
    rows: int
    positives: int
    figures: dict[str, float]


def per_fold(table: FoldTable, *, metrics: Iterable[str] = ("auroc", "auprc")) -> list[FoldRow]:
    """Return the figures of every fold by itself."""
    wanted, sample = named(metrics), _sample(table)
    everyone = RowWeights.observed(sample.y.size, sample.weight)
    return [
        FoldRow(
            repeat,
            fold,
            int(rows.size),
            int(sample.y[rows].sum()),
            statistics_for(sample.part(rows), wanted).value(everyone.subset(rows)),
        )
        for (repeat, fold), rows in table.cells().items()
    ]


def within_fold(
    table: FoldTable, *, metrics: Iterable[str] = ("auroc", "auprc"), plan: Plan | None = None
) -> dict[str, Interval]:
    """Return the mean over (repeat, fold) of each figure, with its interval.

    A patient drawn twice counts twice in every repeat. In each draw the mean is over the folds
    that define the figure; a draw in which none does is undefined.
    """
    names = tuple(metrics)
    scales: dict[str, Scale] = {metric.name: metric.scale for metric in named(names)}
    statistic = mean_over_folds(table, names)
    return _run(table, statistic, plan or Plan(), NOTE, scales=scales)


def within_fold_difference(
    table: FoldTable,
    other: Vector,
    *,
    metrics: Iterable[str] = ("auroc", "auprc"),
    plan: Plan | None = None,
) -> dict[str, Interval]:
    """Return the mean within-fold figure of `table` minus that of `other` on the same draws.

    Args:
        table: predictions of the first model.
        other: `[n]` scores of the second model for the same rows, folds and repeats.
        metrics: names from the registry.
        plan: how to resample.
    """
    rival = FoldTable(
        patient=table.patient,
        repeat=table.repeat,
        fold=table.fold,
        y=table.y,
        score=other,
        weight=table.weight,
    )
    names = tuple(metrics)
    pair = [mean_over_folds(each, names) for each in (table, rival)]
    return _run(table, difference(*pair), plan or Plan(), f"paired difference, {NOTE}")


def mean_over_folds(table: FoldTable, names: tuple[str, ...]) -> Statistic:
    """Return the mean over (repeat, fold) of each figure, over the folds that define it."""
    sample = _sample(table)
    return mean_over(
        [(rows, statistics_for(sample.part(rows), named(names))) for rows in table.cells().values()]
    )


def mean_over(cells: Sequence[tuple[IntArray, Statistic]]) -> Statistic:
    """Return the mean of the cells' figures, in each draw over the cells that define the figure.

    Args:
        cells: rows of each fold and the figures on them, the same figures in every cell.
    """

    def evaluate(weights: RowWeights) -> FloatArray:
        figures = np.stack([cell.evaluate(weights.subset(rows)) for rows, cell in cells])
        defined = ~np.isnan(figures)
        with np.errstate(invalid="ignore"):
            return np.where(defined, figures, 0.0).sum(axis=0) / defined.sum(axis=0)

    return Statistic(cells[0][1].names, evaluate)


def _run(
    table: FoldTable,
    statistic: Statistic,
    plan: Plan,
    note: str,
    *,
    scales: dict[str, Scale] | None = None,
) -> dict[str, Interval]:
    sample = _sample(table)
    within = clusters(table.patient, sample.y, weight=sample.weight, plan=plan)
    return intervals(statistic, within, weight=sample.weight, plan=plan, note=note, scales=scales)


def _sample(table: FoldTable) -> Sample:
    labels = binary(table.y)
    own = checked_weights(table.weight, rows=labels.size)
    return Sample(y=labels, score=finite(table.score, "the score", rows=labels.size), weight=own)
