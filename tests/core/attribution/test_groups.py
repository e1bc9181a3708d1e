"""Attributions summed over groups, against sums written out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from components.core.attribution.groups import (
    SEGMENTS,
    cell_ids,
    cell_names,
    has_segment,
    of_ecg,
    of_modalities,
    of_tabular,
    of_time,
    variables,
)
from components.core.data.tabular import TabularEncoder, fit_tabular

LEADS = ("I", "V2")
# Three records of six samples: all segments but P; none found; QRS and rest alone.
FOUND = np.array([[1, 1, 2, 3, 4, 4], [-1] * 6, [4, 1, 1, 4, 4, 4]], np.int8)
THERE = np.array([[True, True], [True, True], [True, False]])
VALUES = np.arange(36, dtype=np.float32).reshape(3, 2, 6)


def test_cells_are_sums_of_samples_and_absent_ones_are_unknown() -> None:
    own = of_ecg(VALUES, FOUND, leads=LEADS, there=THERE)["lead_segment"]
    assert own.names == cell_names(LEADS)
    assert own.names[6] == "V2 QRS"
    nan = np.nan
    expected = [
        [nan, 0 + 1, 2, 3, 4 + 5, nan, 6 + 7, 8, 9, 10 + 11],
        [nan] * 10,
        [nan, 25 + 26, nan, nan, 24 + 27 + 28 + 29, *[nan] * 5],
    ]
    np.testing.assert_array_equal(own.values, expected)


def test_a_record_without_a_beat_keeps_its_leads() -> None:
    own = of_ecg(VALUES, FOUND, leads=LEADS, there=THERE)["lead"]
    np.testing.assert_array_equal(own.values, [[15, 51], [87, 123], [159, np.nan]])


def test_segments_are_sums_over_the_leads_that_are_there() -> None:
    own = of_ecg(VALUES, FOUND, leads=LEADS, there=THERE)["segment"]
    assert own.names == SEGMENTS
    nan = np.nan
    expected = [[nan, 14, 10, 12, 30], [nan] * 5, [nan, 51, nan, nan, 108]]
    np.testing.assert_array_equal(own.values, expected)


def test_a_record_without_any_lead_has_no_group() -> None:
    none = np.zeros((3, 2), np.bool_)
    for own in of_ecg(VALUES, FOUND, leads=LEADS, there=none).values():
        assert np.isnan(own.values).all()


def test_what_knows_no_lead_is_summed_over_time() -> None:
    own = of_time(VALUES[:, 0], FOUND)
    nan = np.nan
    np.testing.assert_array_equal(
        own.values, [[nan, 1, 2, 3, 9], [nan] * 5, [nan, 51, nan, nan, 108]]
    )


def test_many_small_values_are_summed_in_double_precision() -> None:
    values = np.full((1, 1, 300_000), 0.1, np.float32)
    segments = np.full((1, 300_000), 4, np.int8)
    own = of_ecg(values, segments, leads=("I",), there=np.ones((1, 1), np.bool_))
    exact = 300_000 * float(np.float32(0.1))
    np.testing.assert_allclose(own["lead"].values, [[exact]], rtol=1e-12)
    np.testing.assert_allclose(own["segment"].values, [[*[np.nan] * 4, exact]], rtol=1e-12)


def test_cells_are_numbered_as_they_are_named() -> None:
    own = cell_ids(FOUND, 2)
    assert own.shape == (3, 2, 6)
    assert cell_names(LEADS)[own[0, 1, 0]] == "V2 QRS"
    assert cell_names(LEADS)[own[2, 0, 5]] == "I rest"
    assert (own[1] == -1).all()


def test_segments_that_a_record_has() -> None:
    expected = [[False, True, True, True, True], [False] * 5, [False, True, False, False, True]]
    np.testing.assert_array_equal(has_segment(FOUND), expected)


@pytest.fixture
def encoder() -> TabularEncoder:
    """Age with gaps, dose without, a category of two frequent levels and one of none."""
    return fit_tabular(
        pd.DataFrame(
            {
                "age": [50.0, np.nan, *range(60, 70)],
                "sex": pd.Series(["F", "M"] * 6, dtype="string"),
                "rare": pd.Series([f"x{i}" for i in range(12)], dtype="string"),
                "dose": np.arange(12.0),
            }
        )
    )


def test_encoded_columns_are_of_their_variable(encoder: TabularEncoder) -> None:
    assert encoder.features == ["age", "age=missing", "dose", "sex=F", "sex=M"]
    names, ids = variables(encoder)
    assert names == ("age", "dose", "sex")
    assert ids.tolist() == [0, 0, 1, 2, 2]


def test_a_variable_is_the_sum_of_its_columns(encoder: TabularEncoder) -> None:
    own = of_tabular(np.array([[1.0, 2, 4, 8, 16]], np.float32), encoder)
    assert (own.kind, own.names) == ("variable", ("age", "dose", "sex"))
    np.testing.assert_array_equal(own.values, [[3, 4, 24]])


def test_without_columns_there_is_no_variable() -> None:
    own = of_tabular(np.zeros((3, 0), np.float32), TabularEncoder())
    assert own.names == ()
    np.testing.assert_array_equal(own.values, np.zeros((3, 0)))


def test_a_modality_that_a_record_lacks_is_unknown() -> None:
    sums = {"ecg": np.array([1.0, 2.0]), "text": np.array([3.0, 0.0])}
    own = of_modalities(sums, there={"text": np.array([True, False])})
    assert own.names == ("ecg", "text")
    np.testing.assert_array_equal(own.values, [[1, 3], [2, np.nan]])
