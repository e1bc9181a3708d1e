"""Batches of like length: the budget, what decides the order, and how little is padded."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.data.bucketed import (
    Consecutive,
    LengthSampler,
    cut_points,
    steps_of_epoch,
)

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


def test_little_is_padded_and_the_budget_is_kept_but_for_the_noise() -> None:
    batches = list(LengthSampler(LENGTHS, batch=64, tokens=8000, seed=0))
    assert _padded(batches) < 1.35 * LENGTHS.sum()
    largest = max(len(own) * int(LENGTHS[own].max()) for own in batches if len(own) > 1)
    assert largest < 1.6 * 8000
    rng = np.random.default_rng(0)
    at_random = [own.tolist() for own in np.array_split(rng.permutation(400), len(batches))]
    assert _padded(at_random) > 2 * _padded(batches)


def test_chances_decide_who_is_drawn() -> None:
    chances = np.zeros(len(LENGTHS))
    chances[[5, 9]] = 0.5
    sampler = LengthSampler(LENGTHS, batch=32, tokens=8000, seed=0, chances=chances)
    drawn = [i for own in sampler for i in own]
    assert len(drawn) == len(LENGTHS)
    assert set(drawn) == {5, 9}


@pytest.mark.parametrize(("lengths", "steps"), [(None, 12), (LENGTHS, None)])
def test_steps_of_an_epoch_are_those_of_the_sampler(lengths: object, steps: int | None) -> None:
    expected = steps or len(LengthSampler(LENGTHS, batch=32, tokens=8000, seed=0))
    found = steps_of_epoch(
        LENGTHS if lengths is not None else None, size=len(LENGTHS), batch=32, tokens=8000
    )
    assert found == expected


def test_fewer_records_than_a_batch_are_one_step() -> None:
    assert steps_of_epoch(None, size=3, batch=32, tokens=1) == 1
