"""Batches of like length: the budget, what decides the order, and how little is padded."""

from __future__ import annotations

import numpy as np
from components.core.data.bucketed import Consecutive, LengthSampler, cut_points

# As of ICU stays: a median of some hundreds, a few of thousands.
LENGTHS = np.random.default_rng(0).lognormal(5.5, 0.9, 400).astype(np.int64)


def _padded(batches: list[list[int]]) -> int:
    return sum(len(own) * int(LENGTHS[own].max()) for own in batches)


def test_consecutive_batches_keep_the_order_and_both_bounds() -> None:
    batches = list(Consecutive(LENGTHS, batch=8, tokens=3000))
    assert [i for own in batches for i in own] == list(range(len(LENGTHS)))
    assert len(batches) == len(Consecutive(LENGTHS, batch=8, tokens=3000))
    for own in batches:
        assert len(own) <= 8
        assert len(own) * LENGTHS[own].max() <= 3000 or len(own) == 1


def test_a_sequence_above_the_budget_is_a_batch_by_itself() -> None:
    assert cut_points(np.array([2, 30_000, 2, 2]), batch=8, tokens=100).tolist() == [1, 2, 4]


def test_records_without_events_count_as_one_step() -> None:
    assert cut_points(np.array([0, 0, 0]), batch=8, tokens=2).tolist() == [2, 3]


def test_an_epoch_sees_everybody_once_in_an_order_of_its_own() -> None:
    sampler = LengthSampler(LENGTHS, batch=32, tokens=8000, seed=3)
    first = list(sampler)
    assert sorted(i for own in first for i in own) == list(range(len(LENGTHS)))
    sampler.set_epoch(1)
    second = list(sampler)
    assert first != second
    assert len(first) == len(second) == len(sampler)
    assert {frozenset(own) for own in first} != {frozenset(own) for own in second}
    again = LengthSampler(LENGTHS, batch=32, tokens=8000, seed=3)
    again.set_epoch(1)
    assert list(again) == second
    other = LengthSampler(LENGTHS, batch=32, tokens=8000, seed=4)
    other.set_epoch(1)
    assert list(other) != second


def test_little_is_padded_and_the_budget_is_kept() -> None:
    batches = list(LengthSampler(LENGTHS, batch=64, tokens=8000, seed=0))
    assert _padded(batches) < 1.35 * LENGTHS.sum()
    rng = np.random.default_rng(0)
    at_random = [own.tolist() for own in np.array_split(rng.permutation(400), len(batches))]
    assert _padded(at_random) > 2 * _padded(batches)


def test_every_epoch_has_as_many_batches_within_the_budget_whoever_is_drawn() -> None:
    chances = np.where(LENGTHS > 700, 20.0, 1.0)  # long ones are drawn far more often
    sampler = LengthSampler(
        LENGTHS, batch=64, tokens=8000, seed=0, chances=chances / chances.sum()
    )
    for epoch in range(16):
        sampler.set_epoch(epoch)
        batches = list(sampler)
        assert len(batches) == len(sampler)
        assert sum(map(len, batches)) == len(LENGTHS)
        assert max(len(own) * int(LENGTHS[own].max()) for own in batches if len(own) > 1) <= 8000
        assert max(map(len, batches)) <= 64


def test_a_late_epoch_that_needs_more_batches_exceeds_the_budget_by_little() -> None:
    sampler = LengthSampler(LENGTHS, batch=64, tokens=8000, seed=0)
    sampler._count = len(sampler._cut(sampler._order(0), 8000)) - 1
    batches = list(sampler)
    assert len(batches) == len(sampler)
    largest = max(len(own) * int(LENGTHS[own].max()) for own in batches if len(own) > 1)
    assert 8000 < largest < 1.2 * 8000


def test_batches_that_cannot_be_cut_stay() -> None:
    sampler = LengthSampler(np.array([3, 4]), batch=2, tokens=100, seed=0)
    sampler._count = 5
    assert sorted(map(len, sampler)) == [1, 1]


def test_chances_decide_who_is_drawn() -> None:
    chances = np.zeros(len(LENGTHS))
    chances[[5, 9]] = 0.5
    sampler = LengthSampler(LENGTHS, batch=32, tokens=8000, seed=0, chances=chances)
    drawn = [i for own in sampler for i in own]
    assert len(drawn) == len(LENGTHS)
    assert set(drawn) == {5, 9}
