"""Distances, entropies and rollout of attention whose figures are known on paper."""

from __future__ import annotations

import numpy as np
import pytest

from components.explain.sequences.attention import (
    cosines,
    distances,
    entropies,
    even_distance,
    received,
    rollout,
)

EVEN = np.full((1, 1, 4, 4), 0.25)
SELF = np.eye(4)[None, None]
HOURS = np.array([9.0, 4.0, 1.0, 0.0])


def test_attention_on_itself_reaches_over_no_distance_and_has_no_entropy() -> None:
    assert distances(SELF, HOURS).item() == 0
    assert entropies(SELF).item() == 0


def test_even_attention_reaches_the_mean_distance_and_has_all_entropy() -> None:
    # Pairs are 5, 8, 9, 3, 4 and 1 hours apart, each twice, and four 0 apart: 60 of 16.
    assert even_distance(HOURS) == pytest.approx(60 / 16)
    assert distances(EVEN, HOURS).item() == pytest.approx(60 / 16)
    assert entropies(EVEN).item() == pytest.approx(1)


def test_layers_and_heads_stay_apart() -> None:
    both = np.concatenate([SELF, EVEN], axis=1)
    np.testing.assert_allclose(distances(both, HOURS), [[0, 60 / 16]])
    np.testing.assert_allclose(entropies(both), [[0, 1]])


def test_a_single_event_has_no_choice() -> None:
    assert np.isnan(entropies(np.ones((2, 3, 1, 1)))).all()


def test_an_event_receives_the_mean_of_what_is_given() -> None:
    weights = np.array([[1.0, 0.0], [0.4, 0.6]])[None, None]
    np.testing.assert_allclose(received(weights)[0, 0], [0.7, 0.3])


def test_the_rollout_of_two_layers_by_hand() -> None:
    first, second = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 1.0], [0.0, 1.0]])
    pooling = np.array([[1.0, 0.0]])
    # Half of the vector's first step stays, half comes from the second; of that, half from the
    # first again.
    found = rollout([second[None], first[None]], pooling)
    np.testing.assert_allclose(found, [0.75, 0.25])


def test_the_rollout_is_the_product_of_all_layers() -> None:
    rng = np.random.default_rng(0)
    layers = rng.dirichlet(np.ones(5), size=(3, 2, 5))
    pooling = rng.dirichlet(np.ones(5), size=4)
    whole = np.eye(5)
    for weights in layers:
        whole = (weights.mean(axis=0) / 2 + np.eye(5) / 2) @ whole
    found = rollout(layers[::-1], pooling)
    np.testing.assert_allclose(found, pooling.mean(axis=0) @ whole)
    assert found.sum() == pytest.approx(1)


def test_the_cosine_with_the_query() -> None:
    encoded = np.array([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(cosines(encoded, np.array([5.0, 0.0])), [1, 0, -1, np.nan])
