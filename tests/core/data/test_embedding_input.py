"""Embeddings are pooled alike in training and in requests."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from components.core.data.embedding_input import EmbeddingInput, pooled, spaced

NAN = np.nan
PATCHES = np.array([[1, 2, NAN], [3, NAN, NAN], [8, 4, NAN]], np.float32)


@pytest.mark.parametrize(("pool", "expected"), [("mean", [4, 3, NAN]), ("max", [8, 4, NAN])])
def test_missing_entries_of_a_patch_do_not_count(pool: str, expected: list[float]) -> None:
    found = pooled(PATCHES, pool)  # pyright: ignore[reportArgumentType]
    assert found.dtype == np.float32
    assert_array_equal(found, expected)


@pytest.mark.parametrize("pool", ["mean", "max"])
def test_one_vector_stays_as_it_is(pool: str) -> None:
    assert_array_equal(pooled(PATCHES[:1], pool), PATCHES[0])  # pyright: ignore[reportArgumentType]


def test_patches_that_a_model_weighs_are_not_pooled() -> None:
    with pytest.raises(ValueError, match="under attention, several patches are not pooled"):
        pooled(PATCHES, "attention")


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
        kept = spaced(count, 7)
        assert len(set(kept.tolist())) == min(count, 7)
        assert (np.diff(kept) > 0).all()
        assert kept.max() < count
