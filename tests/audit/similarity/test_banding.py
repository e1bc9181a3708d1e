"""Candidates: what is near is found, each pair once, and a crowd stays linear."""

from __future__ import annotations

import numpy as np
import pytest

from components.audit.similarity.banding import MOST_PAIRS, NEIGHBOURS, TABLES, candidates
from components.audit.similarity.basis import fit_basis


def unit(x: np.ndarray) -> np.ndarray:
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def everything(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.ones(len(left), np.bool_)


def test_near_ones_are_found_against_brute_force() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(400, 32))
    vectors = unit(np.concatenate([base, base[:100] + 0.05 * rng.normal(size=(100, 32))]))
    cosine = vectors @ vectors.T
    truth = {(i, j) for i, j in np.argwhere(cosine >= 0.9).tolist() if i < j}
    pairs = candidates(vectors, np.arange(500), everything, least=0.9)
    found = list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    assert len(found) == len(set(found))
    assert set(found) == truth
    assert len(truth) == 100
    np.testing.assert_allclose(pairs.cosine, cosine[pairs.left, pairs.right], rtol=1e-5)


def test_the_best_of_several_sketches_and_the_allowed_alone() -> None:
    rng = np.random.default_rng(1)
    vectors = unit(rng.normal(size=(6, 8)))
    vectors[4] = vectors[1]
    vectors[5] = unit(vectors[:1] + 0.01)[0]
    owner = np.array([0, 0, 1, 2, 3, 3])
    pairs = candidates(vectors, owner, everything, least=0.9)
    assert (pairs.left.tolist(), pairs.right.tolist()) == ([0], [3])
    assert (pairs.left_sketch.tolist(), pairs.right_sketch.tolist()) == ([1], [4])
    assert pairs.cosine[0] == pytest.approx(1)
    none = candidates(vectors, owner, lambda a, b: a != 0, least=0.9)
    assert len(none) == 0


@pytest.mark.parametrize("rows", [0, 1])
def test_nothing_to_compare(rows: int) -> None:
    pairs = candidates(np.ones((rows, 4), np.float32), np.arange(rows), everything, least=0.5)
    assert len(pairs) == 0


def test_a_crowd_stays_linear() -> None:
    n = 3000
    vectors = unit(np.ones((n, 4)) + 1e-6 * np.random.default_rng(0).normal(size=(n, 4)))
    pairs = candidates(vectors, np.arange(n), everything, least=0.9)
    assert n / 2 <= len(pairs) <= 2 * MOST_PAIRS * n < TABLES * NEIGHBOURS * n


def test_the_basis_whitens_and_drops_what_is_constant() -> None:
    rng = np.random.default_rng(0)
    windows = (rng.normal(size=(500, 3)) * [9, 3, 1]) @ rng.normal(size=(3, 20))
    basis = fit_basis(windows.astype(np.float32))
    assert basis.map.shape == (20, 3)
    white = (windows - basis.mean) @ basis.map
    np.testing.assert_allclose(np.cov(white.T), np.eye(3), atol=0.02)
    sketch = basis.sketch(windows.astype(np.float32))
    np.testing.assert_allclose(np.linalg.norm(sketch, axis=1), 1, rtol=1e-5)
    assert not basis.sketch(basis.mean[None]).any()
