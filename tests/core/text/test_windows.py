"""Windows cover every token, own each once, and are batched within a budget."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from components.core.text.windows import batches, cut_windows


@given(
    st.lists(st.integers(0, 300), max_size=6),
    st.integers(2, 40).flatmap(lambda b: st.tuples(st.just(b), st.integers(0, b - 1))),
)
def test_every_token_is_owned_once_by_a_window_that_holds_it(
    lengths: list[int], shape: tuple[int, int]
) -> None:
    body, overlap = shape
    found = cut_windows(lengths, body=body, overlap=overlap)
    owned = [np.zeros(n, int) for n in lengths]
    for text, start, stop, own_start, own_stop in zip(
        found.text, found.start, found.stop, found.own_start, found.own_stop, strict=True
    ):
        assert start <= own_start <= own_stop <= stop <= start + body
        owned[text][own_start:own_stop] += 1
    assert all((each == 1).all() for each in owned)


def test_a_token_belongs_to_the_window_with_more_context() -> None:
    found = cut_windows([0, 5, 20], body=10, overlap=4)
    assert found.text.tolist() == [1, 2, 2, 2]
    assert list(zip(found.start.tolist(), found.stop.tolist(), strict=True)) == [
        (0, 5), (0, 10), (6, 16), (12, 20)
    ]  # fmt: skip
    assert found.own_start.tolist() == [0, 0, 8, 14]
    assert found.own_stop.tolist() == [5, 8, 14, 20]


@given(st.lists(st.integers(1, 50), max_size=40), st.integers(1, 120))
def test_batches_hold_each_window_once_within_the_budget(lengths: list[int], budget: int) -> None:
    sizes = np.array(lengths, np.int64)
    found = list(batches(sizes, budget=budget))
    assert sorted(i for batch in found for i in batch.tolist()) == list(range(len(lengths)))
    for batch in found:
        assert len(batch) == 1 or len(batch) * sizes[batch].max() <= budget
