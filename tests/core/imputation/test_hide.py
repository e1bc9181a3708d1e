"""What is hidden: never all of a record, the same every time, more often by a score."""

from __future__ import annotations

import numpy as np

from components.core.imputation.hide import half, more_often, one_at_a_time

THERE = np.random.default_rng(0).random((500, 5)) < 0.6


def test_one_at_a_time_hides_each_pair_once_and_leaves_another() -> None:
    hidings = one_at_a_time(THERE)
    assert len(hidings) == 5
    for column, hidden in enumerate(hidings):
        assert not hidden[:, [m for m in range(5) if m != column]].any()
        assert (THERE & ~hidden).any(axis=1)[hidden.any(axis=1)].all()
    several = THERE.sum(axis=1) >= 2
    np.testing.assert_array_equal(np.sum(hidings, axis=0) > 0, THERE & several[:, None])


def test_half_hides_half_of_what_is_there_rounded_down() -> None:
    hidden = half(THERE, seed=4)
    assert not (hidden & ~THERE).any()
    np.testing.assert_array_equal(hidden.sum(axis=1), THERE.sum(axis=1) // 2)
    np.testing.assert_array_equal(hidden, half(THERE, seed=4))
    assert (hidden != half(THERE, seed=5)).any()


def test_not_at_random_hides_the_higher_scores_more_often() -> None:
    score = np.linspace(-3, 3, 500)
    score[7] = np.nan
    among = THERE[:, 0]
    hidden = more_often(score, among, seed=1)
    assert not hidden[7]
    assert not (hidden & ~among).any()
    above, below = among & (score > 0), among & (score < 0)
    assert hidden[above].mean() > 0.75
    assert hidden[below].mean() < 0.25


def test_a_constant_score_hides_half_and_none_to_hide_hides_nobody() -> None:
    among = np.ones(500, np.bool_)
    assert 0.4 < more_often(np.ones(500), among, seed=1).mean() < 0.6
    assert not more_often(np.ones(500), np.zeros(500, np.bool_), seed=1).any()
