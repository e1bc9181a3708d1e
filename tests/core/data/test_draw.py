"""Whole patients are drawn."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from components.core.data.draw import drawn_patients


@given(st.integers(1, 60), st.integers(0, 9))
def test_a_draw_is_whole_patients_within_the_number(records: int, seed: int) -> None:
    patients = pd.Series([f"p{i}" for i in range(12) for _ in range(i % 3 + 1)])
    taken = drawn_patients(patients, records=records, seed=seed)
    inside = set(patients[taken])
    assert (patients.isin(inside) == taken).all()
    assert inside
    assert taken.sum() <= max(records, patients.value_counts().max())


def test_nobody_is_drawn_from_nobody() -> None:
    assert not drawn_patients(pd.Series([], dtype=str), records=3, seed=0).any()
