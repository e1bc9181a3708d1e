"""Shapley values against the definition by orders and against Captum; shares."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
import torch
from captum.attr import ShapleyValues
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import InputError
from components.core.metrics.contribution import Subset, shapley, shares, subsets

NAMES = "abcde"


def drawn(size: int, seed: int = 0) -> dict[Subset, float]:
    rng = np.random.default_rng(seed)
    return {subset: float(rng.uniform(0.3, 1)) for subset in subsets(NAMES[:size])}


@given(st.integers(1, 5), st.integers(0, 1000))
def test_values_are_the_mean_gain_over_all_orders(size: int, seed: int) -> None:
    figures = drawn(size, seed)
    found = shapley(figures)
    assert list(found) == list(NAMES[:size])
    for name, value in found.items():
        gains = [
            figures[frozenset(order[: order.index(name) + 1])]
            - figures[frozenset(order[: order.index(name)])]
            for order in permutations(NAMES[:size])
        ]
        assert value == pytest.approx(np.mean(gains))
    everyone = figures[frozenset(NAMES[:size])]
    assert math.fsum(found.values()) == pytest.approx(everyone - figures[frozenset()])


@pytest.mark.parametrize("size", [2, 3, 4])
def test_values_are_captums(size: int) -> None:
    figures = drawn(size)

    def forward(there: torch.Tensor) -> torch.Tensor:
        keys = [frozenset(n for n, on in zip(NAMES, row, strict=False) if on) for row in there]
        return torch.tensor([figures[key] for key in keys], dtype=torch.float64)

    expected = ShapleyValues(forward).attribute(torch.ones(1, size, dtype=torch.float64))
    assert list(shapley(figures).values()) == pytest.approx(expected[0].tolist())


def test_a_modality_that_changes_nothing_is_worth_nothing() -> None:
    figures = {subset: 0.8 if "a" in subset else 0.5 for subset in subsets("abc")}
    assert shapley(figures) == pytest.approx({"a": 0.3, "b": 0.0, "c": 0.0})


def test_two_that_know_the_same_share_it() -> None:
    figures = {subset: 0.9 if subset else 0.5 for subset in subsets("ab")}
    assert shapley(figures) == pytest.approx({"a": 0.2, "b": 0.2})


def test_subsets_come_by_size() -> None:
    assert [sorted(each) for each in subsets("ba")] == [[], ["b"], ["a"], ["a", "b"]]


def test_a_missing_subset_is_named() -> None:
    figures = drawn(3)
    del figures[frozenset("ac")]
    with pytest.raises(InputError, match="no figure with a and c alone; Shapley values need"):
        shapley(figures)
    del figures[frozenset()]
    with pytest.raises(InputError, match="no figure with no modality alone"):
        shapley(figures)


def test_more_than_five_are_refused() -> None:
    with pytest.raises(InputError, match="asked for of 6 modalities; at most 5"):
        subsets("abcdef")


def test_shares_are_of_the_gains_alone() -> None:
    assert shares({"a": 0.3, "b": 0.1, "c": -0.2}) == pytest.approx({"a": 0.75, "b": 0.25, "c": 0})
    assert all(math.isnan(share) for share in shares({"a": 0.0, "b": -0.1}).values())


def test_a_game_of_gloves_has_its_known_values() -> None:
    """One left glove and two right ones: 2/3 and 1/6 each (Shapley 1953's classic example)."""
    gloves = ("left", "right", "other")
    worth = {each: float("left" in each and len(each) > 1) for each in subsets(gloves)}
    assert shapley(worth) == pytest.approx({"left": 2 / 3, "right": 1 / 6, "other": 1 / 6})
