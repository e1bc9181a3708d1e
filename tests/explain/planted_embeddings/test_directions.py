"""Attributions along planted and random directions, of linear networks made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.metrics.resampling import Plan
from components.explain.planted_embeddings.directions import (
    RANDOM,
    direction_sums,
    directions,
    together,
)
from components.explain.planted_embeddings.facts import Embedded

PLAN = Plan(draws=100)
PATIENTS = np.array([f"p{k}" for k in range(80)], object)
WIDTH, FACTORS = 30, 4


def embedding(*, absent: int = 0) -> Embedded:
    rng = np.random.default_rng(2)
    loadings = rng.normal(size=(WIDTH, FACTORS))
    values = rng.normal(size=(80, FACTORS)) @ loadings.T + 0.3 * rng.normal(size=(80, WIDTH))
    weights = np.tile(loadings @ [1.0, 0.5, 0.0, 0.0], (80, 1))
    values[:absent], weights[:absent] = np.nan, 0.0
    return Embedded(values=values, weights=weights, loadings=loadings)


def test_a_network_along_the_planted_direction_has_all_of_it() -> None:
    own = embedding(absent=5)
    entries = own.values * 2 * own.weights
    sums = direction_sums(own, entries, seed=0)
    assert (sums[:5] == 0).all()
    found = directions({"x": sums}, patients=PATIENTS, plan=PLAN)["x"]
    assert found.records == 75
    assert found.share.value == pytest.approx(1.0)
    assert found.random.value < found.moved.value < 0.6
    assert found.over_random.value == pytest.approx(1 / found.random.value)
    assert found.over_moved.lo > 1.5
    assert found.random.lo <= found.random.value <= found.random.hi


def test_a_network_that_looks_across_has_none_of_it() -> None:
    own = embedding()
    unit = own.weights[0] / np.linalg.norm(own.weights[0])
    across = np.random.default_rng(5).normal(size=WIDTH)
    across -= (across @ unit) * unit
    found = directions(
        {"x": direction_sums(own, own.values * across, seed=0)}, patients=PATIENTS, plan=PLAN
    )["x"]
    assert found.share.value == pytest.approx(0.0, abs=1e-9)
    assert found.over_random.hi < 0.01


def test_along_and_across_add_up_to_the_attribution() -> None:
    own = embedding()
    gradient = np.random.default_rng(6).normal(size=WIDTH)
    entries = own.values * gradient
    unit = own.weights[0] / np.linalg.norm(own.weights[0])
    along = (own.values @ unit) * (gradient @ unit)
    sums = direction_sums(own, entries, seed=0)
    rest = entries.sum(axis=1) - along
    assert sums[:, 0] == pytest.approx(np.abs(along))
    assert sums[:, 1] == pytest.approx(np.abs(along) + np.abs(rest))


def test_a_network_along_the_planted_direction_has_all_of_it_where_entries_are_missing() -> None:
    own = embedding()
    missing = np.random.default_rng(7).random(own.values.shape) < 0.2
    missing[:, np.abs(own.weights[0]).argmax()] = True
    own.values[missing] = 0.0
    sums = direction_sums(own, own.values * own.weights, seed=0)
    found = directions({"x": sums}, patients=PATIENTS, plan=PLAN)["x"]
    assert found.share.value == pytest.approx(1.0)
    assert found.records == 80


def test_missing_entries_are_as_if_the_embedding_had_none_of_them() -> None:
    own = embedding()
    gradient = np.random.default_rng(6).normal(size=WIDTH)
    own.values[:, 3:9] = 0.0
    kept = np.r_[0:3, 9:WIDTH]
    unit = own.weights[0, kept] / np.linalg.norm(own.weights[0, kept])
    along = (own.values[:, kept] @ unit) * (gradient[kept] @ unit)
    whole = own.values @ gradient
    sums = direction_sums(own, own.values * gradient, seed=0)
    assert sums[:, 0] == pytest.approx(np.abs(along))
    assert sums[:, 1] == pytest.approx(np.abs(along) + np.abs(whole - along))
    drawn = np.random.default_rng(0).standard_normal((RANDOM, WIDTH))[:, kept]
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    parts = (own.values[:, kept] @ drawn.T) * (drawn @ gradient[kept])
    assert sums[:, 2] == pytest.approx(np.abs(parts).mean(axis=1))


def test_a_record_of_missing_entries_alone_has_no_sums_and_embeddings_add_up() -> None:
    own = embedding()
    own.values[4] = 0.0
    sums = direction_sums(own, own.values * own.weights, seed=0)
    assert (sums[4] == 0).all()
    found = directions({"x": sums}, patients=PATIENTS, plan=PLAN)["x"]
    assert found.share.value == pytest.approx(1.0)
    assert found.records == 79
    assert together([sums, sums]) == pytest.approx(2 * sums)
