"""What a metric is: its name, its range and direction, and how it is computed for many draws.

Legend of shapes: `D` draws of the bootstrap, `n` rows (predictions), `P` patients, `k` figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from components.core.errors import InputError
from components.core.metrics.checks import FloatArray, IntArray

Direction = Literal["higher", "lower", "target"]
Needs = Literal["score", "probability", "decision"]
# Where an interval is made: percentiles of the figure, symmetric about its logit, or, for a mean of
# absolute gaps, percentiles of the draws moved onto the figure, above which they all lie.
Scale = Literal["plain", "logit", "centred"]
Counts = npt.NDArray[np.signedinteger[Any]]
PatientSums = dict[int, tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, eq=False)
class RowWeights:
    """Row weights of `D` draws: how often the row's patient was drawn times the row's own weight.

    Attributes:
        counts: `[D, P]` integers, times that each patient was drawn.
        patient: `[n]` column of `counts` for each row.
        weight: `[n]` the row's own weight (IPCW), or None for ones.
        sums: sums over each patient's rows of arrays met before, shared by all blocks of draws.
        turned: `columns` once asked for, shared with every subset: of these draws alone.
    """

    counts: Counts
    patient: IntArray
    weight: FloatArray | None = None
    sums: PatientSums = field(default_factory=dict[int, tuple[FloatArray, FloatArray]])
    turned: list[FloatArray] = field(default_factory=list[FloatArray])

    @classmethod
    def observed(cls, rows: int, weight: FloatArray | None = None) -> RowWeights:
        """Return the sample as it stands: one draw that holds every row once."""
        return cls(np.ones((1, rows), dtype=np.int64), np.arange(rows), weight)

    def take(self, rows: IntArray) -> npt.NDArray[np.generic]:
        """Return the weights `[D, len(rows)]`; exact integers where rows have no own weight."""
        drawn = self.counts.take(self.patient[rows], axis=1)
        return drawn if self.weight is None else drawn * self.weight[rows]

    def columns(self) -> FloatArray:
        """Return the counts as `[P, D]` float64; a single draw twice.

        A one-column product would be summed in another order than the same column among others, and
        a draw's figures must not depend on how draws are cut into blocks. Fifteen folds of two
        models ask for the same array thirty times: not to be changed.
        """
        if not self.turned:
            counts = self.counts if self.counts.shape[0] > 1 else self.counts.repeat(2, axis=0)
            self.turned.append(np.ascontiguousarray(counts.T, dtype=np.float64))
        return self.turned[0]

    def totals(self, values: FloatArray) -> FloatArray:
        """Return the weighted column sums `[D, k]` of `values` `[n, k]`.

        A sum over rows is a sum over patients of their own sums, so that all draws together are
        one matrix product of `[D, P]` with `[P, k]`. Sums over patients are kept for the next block
        of draws, so `values` must not be changed afterwards.
        """
        known = self.sums.get(id(values))
        if known is None:
            # The array is kept too: while it lives no other can take its id.
            known = self.sums[id(values)] = (values, self._per_patient(values))
        return self.counts.astype(np.float64) @ known[1]

    def _per_patient(self, values: FloatArray) -> FloatArray:
        scaled = values if self.weight is None else values * self.weight[:, None]
        patients = self.counts.shape[1]
        own = [np.bincount(self.patient, weights=column, minlength=patients) for column in scaled.T]
        return np.stack(own, axis=1, dtype=np.float64)

    def subset(self, rows: IntArray) -> RowWeights:
        """Return the weights of some rows under the same draws of patients."""
        weight = None if self.weight is None else self.weight[rows]
        return RowWeights(self.counts, self.patient[rows], weight, turned=self.turned)


@dataclass(frozen=True, eq=False)
class Statistic:
    """Figures computed together on fixed data for many draws at once.

    Attributes:
        names: the `k` figures.
        evaluate: turns the weights of `D` draws into `[D, k]`; NaN where a figure is undefined.
    """

    names: tuple[str, ...]
    evaluate: Callable[[RowWeights], FloatArray]

    def value(self, weights: RowWeights) -> dict[str, float]:
        """Return the figures of the first draw by name."""
        return dict(zip(self.names, self.evaluate(weights)[0].tolist(), strict=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """Checked predictions of one model.

    Attributes:
        y: `[n]` labels 0 or 1.
        score: `[n]` higher means more likely positive; a probability where the metric needs one.
        threshold: a score at or above it is called positive; one value, or `[n]` where each fold
            has its own.
        weight: `[n]` row weights of the sample itself, or None for ones.
    """

    y: FloatArray
    score: FloatArray
    threshold: float | FloatArray | None = None
    weight: FloatArray | None = None

    def part(self, rows: IntArray) -> Sample:
        """Return the predictions of some rows."""
        threshold = self.threshold
        return Sample(
            y=self.y[rows],
            score=self.score[rows],
            threshold=threshold[rows] if isinstance(threshold, np.ndarray) else threshold,
            weight=None if self.weight is None else self.weight[rows],
        )


Family = Callable[[Sample, tuple[str, ...]], Statistic]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One figure of the report.

    Attributes:
        name: key in tracking and tables, e.g. `auroc`.
        title: name in print.
        direction: `higher` or `lower` is better, or a `target` value.
        lo: least possible value.
        hi: greatest possible value.
        ideal: the value of a perfect model.
        needs: `score` (any real number), `probability`, or `decision` (a score and a threshold).
        family: prepares this figure with its siblings, which share the costly part.
        scale: where its interval is made.
    """

    name: str
    title: str
    direction: Direction
    lo: float
    hi: float
    ideal: float
    needs: Needs
    family: Family
    scale: Scale = "plain"


def statistics_for(sample: Sample, metrics: Iterable[Metric]) -> Statistic:
    """Return one statistic for all `metrics`, siblings prepared together, in the order given.

    Raises:
        InputError: no metric, a probability outside [0, 1], or no threshold where one is needed.
    """
    wanted = tuple(metrics)
    if not wanted:
        raise InputError("no metric was asked for; name at least one")
    for metric in wanted:
        _check_sample(sample, metric)
    families: dict[Family, list[str]] = {}
    for metric in wanted:
        families.setdefault(metric.family, []).append(metric.name)
    parts = [family(sample, tuple(names)) for family, names in families.items()]
    return joined(parts, tuple(metric.name for metric in wanted))


def joined(parts: Iterable[Statistic], order: tuple[str, ...] | None = None) -> Statistic:
    """Return one statistic that evaluates `parts` on the same draws, columns in `order`."""
    pieces = tuple(parts)
    names = tuple(name for piece in pieces for name in piece.names)
    chosen = names if order is None else order
    columns = [names.index(name) for name in chosen]

    def evaluate(weights: RowWeights) -> FloatArray:
        return np.hstack([piece.evaluate(weights) for piece in pieces])[:, columns]

    return Statistic(chosen, evaluate)


def looped(name: str, function: Callable[[FloatArray], float], *, rows: int) -> Statistic:
    """Return a statistic from a function of the row weights `[n]` alone, called draw by draw.

    The way in for a weight-aware figure without a vectorised form (a concordance index).
    """
    every = np.arange(rows)

    def evaluate(weights: RowWeights) -> FloatArray:
        drawn = weights.take(every).astype(np.float64)
        return np.array([[function(row)] for row in drawn], dtype=np.float64)

    return Statistic((name,), evaluate)


def _check_sample(sample: Sample, metric: Metric) -> None:
    if metric.needs == "decision" and sample.threshold is None:
        raise InputError(
            f"the metric '{metric.name}' needs a threshold; pass the one chosen on validation"
        )
    if metric.needs != "probability":
        return
    low, high = float(sample.score.min()), float(sample.score.max())
    if low < 0 or high > 1:
        raise InputError(
            f"the metric '{metric.name}' needs probabilities, but the score spans "
            f"{low:g} to {high:g}; apply the sigmoid to logits first"
        )
