"""Sort once, then every bootstrap draw is a weighted cumulative sum.

Only score values that a positive row holds matter to AUROC and AUPRC. `rank` finds these steps
once; `accumulate` gives, for each draw, the positive and negative weight collected at each of them.

What a patient's rows add to each step does not change between draws, so it is kept as a sparse
matrix, and the steps of a block of draws are its product with the times each patient was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias, cast

import numpy as np
from scipy.sparse import csr_array

from components.core.metrics.checks import FloatArray, IntArray
from components.core.metrics.metric import RowWeights

Sparse: TypeAlias = "csr_array[np.float64, tuple[int, int]]"


@dataclass(frozen=True, eq=False)
class PatientSteps:
    """What each of `P` patients adds to each of `m` steps when drawn once.

    Attributes:
        patient: `[n]` the patients these are, and `weight` the row weights.
        weight: `[n]` or None for ones.
        gained: `[m, P]` weight of positives at the step.
        above: `[m + 1, P]` weight of negatives between the step before and strictly above this one.
        upto: `[m + 1, P]` the same with this step's score; the last row holds those below all.
    """

    patient: IntArray
    weight: FloatArray | None
    gained: Sparse
    above: Sparse
    upto: Sparse


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows by descending score, and the `m` distinct scores that positives hold.

    Attributes:
        positives: rows with label 1, descending score.
        negatives: rows with label 0, descending score.
        collected: `[m]` positives with this score or a higher one.
        above: `[m]` negatives with a strictly higher score.
        upto: `[m]` negatives with this score or a higher one.
        known: the steps of the patients met last, shared by all blocks of draws.
    """

    positives: IntArray
    negatives: IntArray
    collected: IntArray
    above: IntArray
    upto: IntArray
    known: list[PatientSteps] = field(default_factory=list[PatientSteps])


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
    own = _patient_steps(ranking, weights)
    drawn = weights.columns()
    gained = _product(own.gained, drawn)
    true = np.cumsum(gained, axis=0)
    upto = np.cumsum(_product(own.upto, drawn), axis=0)
    # Without a tie between the classes the two are one array, and the sum is done once.
    above = upto if own.above is own.upto else np.cumsum(_product(own.above, drawn), axis=0)
    draws = slice(weights.counts.shape[0])
    return Steps(
        gained=gained.T[draws],
        true=true.T[draws],
        false_above=above[:-1].T[draws],
        false_upto=upto[:-1].T[draws],
        positive=gained.sum(axis=0)[draws],
        negative=upto[-1][draws],
    )


def _product(own: Sparse, drawn: FloatArray) -> FloatArray:
    """Return `[m, D]`; the type stubs leave open that sparse times dense is dense."""
    return cast(FloatArray, own @ drawn)


def _patient_steps(ranking: Ranking, weights: RowWeights) -> PatientSteps:
    patients = weights.counts.shape[1]
    for own in ranking.known:
        # Rows may bear the same numbers among few patients and among many (a subset's).
        known = own.gained.shape[1] == patients and _same(own.patient, weights.patient)
        if known and _same(own.weight, weights.weight):
            return own
    upto = _per_patient(ranking.negatives, ranking.upto, weights, steps=ranking.upto.size + 1)
    untied = np.array_equal(ranking.above, ranking.upto)
    fresh = PatientSteps(
        weights.patient,
        weights.weight,
        _per_patient(ranking.positives, ranking.collected, weights, steps=ranking.collected.size),
        above=upto
        if untied
        else _per_patient(ranking.negatives, ranking.above, weights, steps=ranking.above.size + 1),
        upto=upto,
    )
    ranking.known[:] = [fresh]
    return fresh


def _same(one: FloatArray | IntArray | None, other: FloatArray | IntArray | None) -> bool:
    """Return whether the arrays hold the same; a fold's are cut out anew for each block."""
    if one is None or other is None:
        return one is other
    return one is other or np.array_equal(one, other)


def _per_patient(rows: IntArray, bounds: IntArray, weights: RowWeights, *, steps: int) -> Sparse:
    """Return `[steps, P]` the weight of `rows` by step; step j ends before position `bounds[j]`."""
    step = np.searchsorted(bounds, np.arange(rows.size), side="right")
    own = np.ones(rows.size) if weights.weight is None else weights.weight[rows]
    shape = (steps, weights.counts.shape[1])
    return csr_array((own, (step, weights.patient[rows])), shape=shape)
