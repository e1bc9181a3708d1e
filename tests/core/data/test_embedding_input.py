"""Embeddings are pooled alike in training and in requests."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from components.core.data.embedding_input import EmbeddingInput, pooled, spread

NAN = np.nan
PATCHES = np.array([[1, 2, NAN], [3, NAN, NAN], [8, 4, NAN]], np.float32)


@pytest.mark.parametrize(("pool", "expected"), [("mean", [4, 3, NAN]), ("max", [8, 4, NAN])])
def test_missing_entries_of_a_patch_do_not_count(pool: Any, expected: list[float]) -> None:
    array, there = EmbeddingInput(width=3, pool=pool).prepared(PATCHES)
    assert array.dtype == np.float32
    assert_array_equal(array, expected)
    assert there.tolist() == [True]


@pytest.mark.parametrize("pool", ["mean", "max"])
def test_a_record_is_pooled_alone_as_among_others(pool: Any) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(30, 3)).astype(np.float32)
    offsets = np.array([0, 1, 5, 18, 30])
    together = pooled(vectors, offsets, pool).astype(np.float32)
    given = EmbeddingInput(width=3, pool=pool)
    for k, (first, stop) in enumerate(itertools.pairwise(offsets)):
        assert_array_equal(given.prepared(vectors[first:stop])[0], together[k])


@pytest.mark.parametrize("pool", ["mean", "max", "attention"])
def test_one_vector_stays_as_it_is(pool: Any) -> None:
    assert_array_equal(EmbeddingInput(width=3, pool=pool).prepared(PATCHES[:1])[0], PATCHES[0])


def test_at_most_so_many_patches_are_kept_in_their_order() -> None:
    given = EmbeddingInput(width=1, pool="attention", patches=4, dtype="float16")
    few, there = given.prepared(np.array([[5.0], [6.0]]))
    assert_array_equal(few[:, 0], [5, 6, 0, 0])
    assert_array_equal(there, [True, True, False, False])
    many, there = given.prepared(np.arange(10.0)[:, None])
    assert_array_equal(many[:, 0], [0, 2, 5, 7])
    assert there.all()
    assert many.dtype == np.float16


def test_what_is_sent_is_rounded_as_what_is_stored() -> None:
    exact = np.array([[0.1, 0.2]])
    half, _ = EmbeddingInput(width=2, dtype="float16").prepared(exact)
    assert_array_equal(half, exact[0].astype(np.float16))
    single, _ = EmbeddingInput(width=2).prepared(exact)
    assert_allclose(single, exact[0], rtol=1e-7)


def test_nobody_s_array_is_zeros_in_the_shape_of_the_others() -> None:
    array, there = EmbeddingInput(width=3, pool="attention", patches=2).nothing()
    assert (array.shape, there.tolist()) == ((2, 3), [False, False])
    array, there = EmbeddingInput(width=3).nothing()
    assert (array.shape, there.tolist()) == ((3,), [False])


def test_patches_are_spread_over_all() -> None:
    for count in range(1, 40):
        vectors = np.arange(float(count))[:, None]
        rows, there = spread(vectors, np.array([0]), np.array([count]), 7)
        kept = rows[0, there[0], 0]
        assert len(set(kept.tolist())) == min(count, 7)
        assert (np.diff(kept) > 0).all()
