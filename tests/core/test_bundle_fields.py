"""What a bundle says of its clinical fields, over networks whose training parts differ."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from components.core.bundle_fields import FieldFact, field_facts, fields_note
from components.core.data.tabular import TabularEncoder, fit_tabular


def encoder(ages: list[float], sexes: str) -> TabularEncoder:
    return fit_tabular(
        pd.DataFrame(
            {
                "age": ages,
                "dose": [7.0] * len(ages),  # a constant says nothing: left out
                "sex": pd.Series(list(sexes), dtype="string"),
            }
        )
    )


YOUNG = encoder([30.0, 40.0] * 6, "F" * 12)
OLD = encoder([60.0, 80.0] * 6, "MMMMMXXXXXFF")
FEATURES = {"sex": "categorical", "age": "numeric", "dose": "numeric", "site": "categorical"}


def test_bounds_are_the_widest_and_categories_those_of_any_network() -> None:
    sex, age, dose, site = field_facts([OLD, YOUNG], FEATURES)
    assert sex == FieldFact(name="sex", kind="categorical", levels=("F", "M", "X"))
    assert (age.name, age.kind, age.levels) == ("age", "numeric", ())
    # 3 SDs beyond the training parts of the youngest and of the oldest: 30 - 3*5, 80 + 3*10
    assert (age.low, age.high) == (pytest.approx(15), pytest.approx(110))
    assert dose == FieldFact(name="dose", kind="numeric")
    assert site == FieldFact(name="site", kind="categorical")


def test_one_network_says_what_it_alone_has_seen() -> None:
    (age, sex) = field_facts([OLD], {"age": "numeric", "sex": "categorical"})
    assert (age.low, age.high) == (pytest.approx(30), pytest.approx(110))
    assert sex.levels == ("M", "X")  # two of a category are too few
    assert field_facts([], {"age": "numeric"}) == (FieldFact(name="age", kind="numeric"),)
    assert field_facts([OLD], {}) == ()


def test_a_number_is_held_beyond_the_bounds_alone() -> None:
    (age,) = field_facts([OLD], {"age": "numeric"})
    assert age.low is not None
    at, below = ({"age": value} for value in (age.low, np.nextafter(age.low, -np.inf)))
    assert fields_note([OLD], at) == ""
    assert fields_note([OLD], below).startswith("age is far below those of training")


def test_what_is_not_taken_as_sent_is_told_without_the_value() -> None:
    said = fields_note([OLD, YOUNG], {"age": 900.0, "sex": "Jane", "dose": 1.0})
    assert said == (
        "age is far above those of training and counts as 110; "
        "sex is none of the categories of training (M, X) and counts as missing"
    )
    assert fields_note([OLD], {"age": None, "sex": "M"}) == ""
