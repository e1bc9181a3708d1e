"""Critical windows: which hours reach the share, and that neighbours are joined."""

from __future__ import annotations

import numpy as np
import pytest

from components.explain.sequences.windows import Window, critical, window_of, window_shares


def test_shares_of_magnitude_per_record() -> None:
    values = [np.array([1.0, -3.0]), np.array([5.0]), np.array([]), np.array([0.0])]
    windows = [np.array([0, 2]), np.array([1]), np.array([], np.int64), np.array([0])]
    found = window_shares(values, windows)
    np.testing.assert_allclose(found[:2], [[0.25, 0, 0.75], [0, 1, 0]])
    assert np.isnan(found[2:]).all()


def test_no_records_have_no_windows() -> None:
    assert window_shares([], []).shape == (0, 0)
    assert critical(np.full((2, 3), np.nan), threshold=0.1, width=1) == []


def test_neighbours_are_joined_and_gaps_are_not() -> None:
    shares = np.array([[0.3, 0.2, 0.05, 0.25, 0.1, 0.1]])
    found = critical(shares, threshold=0.2, width=2.0)
    assert [(each.first, each.last) for each in found] == [(0, 1), (3, 3)]
    assert [each.words for each in found] == ["0–4 h", "6–8 h"]
    np.testing.assert_allclose(found[0].share(shares), [0.5])


@pytest.mark.parametrize(("threshold", "count"), [(0.5, 1), (0.51, 0), (0.0, 1)])
def test_the_mean_over_stays_must_reach_the_threshold(threshold: float, count: int) -> None:
    shares = np.array([[1.0, 0.0], [0.0, 1.0], [np.nan, np.nan]])
    assert len(critical(shares, threshold=threshold, width=1)) == count


def test_a_window_holds_its_first_hour_and_the_time_after_the_prediction() -> None:
    np.testing.assert_array_equal(window_of([-0.1, 0, 1.9, 2, 5], 2.0), [0, 0, 0, 1, 2])
    found = Window(1, 2, 2.0).holds(np.array([0, 1, 2, 3]))
    np.testing.assert_array_equal(found, [False, True, True, False])
