"""Sort once, then every bootstrap draw is a weighted cumulative sum.

Only score values that a positive row holds matter to AUROC and AUPRC. `rank` finds these steps
once; `accumulate` gives, for each draw, the positive and negative weight collected at each of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.metrics.checks import FloatArray, IntArray
from components.core.metrics.metric import RowWeights


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows by descending score, and the `m` distinct scores that positives hold.

    Attributes:
        positives: rows with label 1, descending score.
        negatives: rows with label 0, descending score.
        collected: `[m]` positives with this score or a higher one.
        above: `[m]` negatives with a strictly higher score.
        upto: `[m]` negatives with this score or a higher one.
    """

    positives: IntArray
    negatives: IntArray
    collected: IntArray
    above: IntArray
    upto: IntArray


@dataclass(frozen=True, eq=False)
class Steps:
    """Weight collected at each step, descending score.

    Attributes:
        gained: `[D, m]` positive weight at the step itself.
        true: `[D, m]` positive weight at or above it.
        false_above: `[D, m]` negative weight strictly above it.
        false_upto: `[D, m]` negative weight at or above it.
        positive: `[D]` all positive weight.
        negative: `[D]` all negative weight.
    """

    gained: FloatArray
    true: FloatArray
    false_above: FloatArray
    false_upto: FloatArray
    positive: FloatArray
    negative: FloatArray


def rank(y: FloatArray, score: FloatArray) -> Ranking:
    """Return the ranking of `score` `[n]` with labels `y` `[n]`; higher score first."""
    order = np.argsort(-score, kind="stable")
    positives, negatives = order[y[order] == 1], order[y[order] == 0]
    # Negated so that both are ascending, as searchsorted wants them.
    hits, misses = -score[positives], -score[negatives]
    values = np.unique(hits)
    return Ranking(
        positives,
        negatives,
        collected=np.searchsorted(hits, values, side="right"),
        above=np.searchsorted(misses, values, side="left"),
        upto=np.searchsorted(misses, values, side="right"),
    )


def accumulate(ranking: Ranking, weights: RowWeights) -> Steps:
    """Return the collected weights of every draw in `weights` at every step of `ranking`."""
    hits = _running(weights.take(ranking.positives))
    misses = _running(weights.take(ranking.negatives))
    true = hits.take(ranking.collected, axis=1).astype(np.float64)
    upto = misses.take(ranking.upto, axis=1).astype(np.float64)
    # Without a tie between the classes the two are one array, and the gather is done once.
    untied = np.array_equal(ranking.above, ranking.upto)
    return Steps(
        gained=np.diff(true, axis=1, prepend=0.0),
        true=true,
        false_above=upto if untied else misses.take(ranking.above, axis=1).astype(np.float64),
        false_upto=upto,
        positive=hits[:, -1].astype(np.float64),
        negative=misses[:, -1].astype(np.float64),
    )


def _running(weights: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Return the cumulative sums `[D, n + 1]` along the rows, starting at 0.

    Integers stay in their own type: whole counts add exactly, and several times faster.
    """
    sums = np.empty((weights.shape[0], weights.shape[1] + 1), dtype=weights.dtype)
    sums[:, 0] = 0
    np.cumsum(weights, axis=1, dtype=weights.dtype, out=sums[:, 1:])
    return sums
