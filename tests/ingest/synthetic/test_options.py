"""Options name what they refuse."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from components.core.errors import ConfigError
from components.ingest.synthetic.options import SyntheticOptions


def test_unknown_leak_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"'patient_overlp' in leaks; did you mean 'patient_ov"):
        SyntheticOptions(leaks=("patient_overlp",))


def test_unknown_subgroup_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'ward9' in subgroup_gap; known are: .*site=A"):
        SyntheticOptions(subgroup_gap="ward9")


def test_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="patient_count"):
        SyntheticOptions.model_validate({"patient_count": 3})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, False),
        ({"clean_split": True}, True),
        ({"leaks": ("patient_overlap",)}, True),
        ({"leaks": ("label_column",)}, False),
    ],
)
def test_split_column_comes_with_split_leaks_or_on_request(
    options: dict[str, object], expected: bool
) -> None:
    assert SyntheticOptions.model_validate(options).has_split is expected
