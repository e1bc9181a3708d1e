"""The fields of a request, as numbers and texts and as the frame that training saw."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.bundle_inputs import tabular_cells, tabular_row
from components.core.data.tabular import CategoricalColumn, NumericColumn, TabularEncoder
from components.core.errors import InputError

KINDS = {"age": "numeric", "dose": "numeric", "sex": "categorical"}
ENCODER = TabularEncoder(
    numeric=(
        NumericColumn(name="age", mean=60, sd=9, low=20, high=100, indicator=True),
        NumericColumn(name="dose", mean=3, sd=0.7, low=-1, high=9, indicator=False),
    ),
    categorical=(
        CategoricalColumn(name="sex", levels=("1", "1.0", "2020-05-01", "F", "True", "ab")),
    ),
)
NOTHING = [None, np.nan, pd.NA, pd.NaT, "", " ", "NA", "nan", "None", "."]
NUMBERS = [61, 61.5, "55", " 55.5 ", "1e3", np.float32(1.1), np.int64(40), Decimal("2.5")]
TEXTS = ["F", " F ", "X", 1, 1.0, True, b"ab", np.str_("F"), date(2020, 5, 1), np.int64(1)]


@given(
    st.sampled_from(NOTHING + NUMBERS),
    st.sampled_from(NOTHING + NUMBERS),
    st.sampled_from(NOTHING + TEXTS + NUMBERS),
)
def test_a_row_is_encoded_as_its_frame(age: Any, dose: Any, sex: Any) -> None:
    row = {"age": age, "dose": dose, "sex": sex}
    cells, frame = tabular_cells(row, KINDS), tabular_row(row, KINDS)
    assert [str(kind) for kind in frame.dtypes] == ["float64", "float64", "string"]
    np.testing.assert_array_equal(ENCODER.encode(cells), ENCODER.transform(frame))


@pytest.mark.parametrize(("sent", "level"), [(1, "1"), (1.0, "1.0"), (True, "True"), (b"ab", "ab")])
def test_a_category_is_the_text_of_what_was_sent(sent: object, level: str) -> None:
    cells = tabular_cells({"sex": sent}, KINDS)
    assert cells == {"age": None, "dose": None, "sex": level}
    assert ENCODER.encode(cells)[0, 3 + ENCODER.categorical[0].levels.index(level)] == 1


@pytest.mark.parametrize("sent", ["sixty", "inf", np.inf, "1,5", True, 10**400])
def test_what_is_no_number_is_refused(sent: object) -> None:
    with pytest.raises(InputError, match="the field 'age' holds no number; send one or leave it"):
        tabular_cells({"age": sent}, KINDS)


def test_several_values_are_refused() -> None:
    with pytest.raises(InputError, match="the field 'sex' holds no single value"):
        tabular_cells({"sex": ["F", "M"]}, KINDS)
