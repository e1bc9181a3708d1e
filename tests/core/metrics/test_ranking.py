"""The ranking's steps against sums written out, whatever was asked of the same ranking before."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.metrics.checks import FloatArray
from components.core.metrics.metric import RowWeights
from components.core.metrics.ranking import accumulate, rank
from tests.core.metrics.data import Predictions, predictions


def drawn(data: Predictions, draws: int, *, weighted: bool, seed: int = 0) -> RowWeights:
    _, patient = np.unique(data.patient, return_inverse=True)
    counts = np.random.default_rng(seed).poisson(1, (draws, patient.max() + 1))
    return RowWeights(counts, patient, data.weight if weighted else None)


def sums(data: Predictions, own: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Positive weight at or above, negative weight above, and negative weight at or above."""
    values = np.unique(data.prob[data.y == 1])[::-1]
    hits, misses = own * data.y, own * (1 - data.y)
    return (
        np.array([hits[data.prob >= v].sum() for v in values]),
        np.array([misses[data.prob > v].sum() for v in values]),
        np.array([misses[data.prob >= v].sum() for v in values]),
    )


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("draws", [1, 2, 7])
def test_the_steps_are_the_sums_over_rows(draws: int, weighted: bool, ties: bool) -> None:
    data = predictions(3, patients=40, ties=ties)
    weights = drawn(data, draws, weighted=weighted)
    steps = accumulate(rank(data.y, data.prob), weights)
    for number in range(draws):
        own = weights.counts[number, weights.patient] * (data.weight if weighted else 1.0)
        true, above, upto = sums(data, own)
        np.testing.assert_allclose(steps.true[number], true, atol=1e-12)
        np.testing.assert_allclose(np.cumsum(steps.gained[number]), true, atol=1e-12)
        np.testing.assert_allclose(steps.false_above[number], above, atol=1e-12)
        np.testing.assert_allclose(steps.false_upto[number], upto, atol=1e-12)
        assert steps.positive[number] == pytest.approx(own[data.y == 1].sum())
        assert steps.negative[number] == pytest.approx(own[data.y == 0].sum())
    assert steps.true.shape == (draws, np.unique(data.prob[data.y == 1]).size)


def test_a_ranking_forgets_the_patients_and_weights_it_met_before() -> None:
    data = predictions(5, patients=30)
    ranking = rank(data.y, data.prob)
    clustered = drawn(data, 4, weighted=True)
    alone = RowWeights.observed(data.y.size)
    unweighted = RowWeights(clustered.counts, clustered.patient)
    for weights in (clustered, alone, unweighted, clustered):
        found = accumulate(ranking, weights)
        fresh = accumulate(rank(data.y, data.prob), weights)
        np.testing.assert_array_equal(found.true, fresh.true)
        np.testing.assert_array_equal(found.false_upto, fresh.false_upto)


def test_equal_patients_in_another_array_are_not_summed_again() -> None:
    data = predictions(5, patients=30)
    ranking, weights = rank(data.y, data.prob), drawn(data, 4, weighted=True)
    accumulate(ranking, weights)
    (known,) = ranking.known
    accumulate(ranking, weights.subset(np.arange(data.y.size)))
    assert ranking.known[0] is known


def test_a_draw_does_not_depend_on_its_neighbours() -> None:
    data = predictions(7, patients=300, ties=False)
    ranking, weights = rank(data.y, data.prob), drawn(data, 9, weighted=True)
    whole = accumulate(ranking, weights)
    for number in range(9):
        one = RowWeights(weights.counts[[number]], weights.patient, weights.weight)
        alone = accumulate(ranking, one)
        for name in ("gained", "true", "false_above", "false_upto", "positive", "negative"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(whole, name)[number])


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_has_steps_for_its_own_weight_only(label: float) -> None:
    y, prob = np.full(5, label), np.linspace(0, 1, 5)
    steps = accumulate(rank(y, prob), RowWeights.observed(5))
    assert steps.true.shape == (1, 5 if label else 0)
    assert (steps.positive[0], steps.negative[0]) == (5 * label, 5 * (1 - label))


def test_the_same_numbers_among_more_patients_are_other_patients() -> None:
    """The first fold's rows may be numbered alike among all rows and among all patients."""
    ranking = rank(np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.2, 0.3]))
    for patients in (6, 3, 6):
        counts = np.ones((2, patients), dtype=np.int64)
        steps = accumulate(ranking, RowWeights(counts, np.arange(3)))
        assert steps.positive.tolist() == [2.0, 2.0]
        assert steps.negative.tolist() == [1.0, 1.0]
