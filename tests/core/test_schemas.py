"""What every manifest has in common."""

from __future__ import annotations

import pandas as pd
import pytest

from components.core.errors import InputError
from components.core.schemas import (
    ECG_FIELDS,
    SUBJECT_FIELDS,
    codes,
    fold_names,
    patient_labels,
    require_columns,
    tabular_columns,
)


def test_missing_columns_are_named_with_those_there_are() -> None:
    frame = pd.DataFrame({"a": [1], "b": [2]})
    require_columns(frame, ["a", "b"], "the table")
    with pytest.raises(InputError, match=r"the table lacks the column\(s\) c, d; it has a, b"):
        require_columns(frame, ["a", "c", "d"], "the table")


def test_prefixes_tell_features_and_folds() -> None:
    frame = pd.DataFrame(columns=["tab.age", "part.f0", "label", "part.f1", "tab.sex"])
    assert tabular_columns(frame) == ["age", "sex"]
    assert fold_names(frame) == ["f0", "f1"]


def test_a_patient_is_positive_if_any_recording_is() -> None:
    frame = pd.DataFrame(
        {
            "patient_id": ["a", "a", "b", "b", "c", "d"],
            "label": pd.Series([0, 1, None, 0, None, 0], dtype="Int8"),
        }
    )
    found = patient_labels(frame)
    assert found["a"] == 1
    assert found["b"] == found["d"] == 0
    assert pd.isna(found["c"])


def test_codes_number_groups_in_order_of_appearance() -> None:
    assert codes(pd.Series(["b", "a", "b", "c"])).tolist() == [0, 1, 0, 2]


def test_columns_are_named_once() -> None:
    names = [field.name for field in SUBJECT_FIELDS + ECG_FIELDS]
    assert len(set(names)) == len(names)
    keys = [f.name for f in SUBJECT_FIELDS if not f.nullable]
    assert keys == ["sample_id", "patient_id", "row"]
