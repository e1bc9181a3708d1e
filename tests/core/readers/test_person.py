"""Age and sex: converted where they are plausible, absent otherwise."""

from __future__ import annotations

import pytest

from components.core.readers.person import age_and_sex


@pytest.mark.parametrize(
    ("age", "unit", "sex", "meta"),
    [
        (61, "YEARS", "Female", {"age": 61, "sex": "female"}),
        (6, "months", " m ", {"age": 0.5, "sex": "male"}),
        (0, "days", "unknown", {"age": 0}),
        (123, "years", "", {}),
        (-1, "years", "O", {}),
        (float("nan"), "years", "f", {"sex": "female"}),
        (60, "decades", "", {}),
        (None, "years", "MALE", {"sex": "male"}),
    ],
)
def test_age_in_years_and_sex(age, unit, sex, meta) -> None:
    assert age_and_sex(age, unit, sex) == pytest.approx(meta)
