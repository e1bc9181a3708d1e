"""The tabular encoder: fitted once, on training rows, and the same after a trip through JSON."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.data.tabular import MIN_CATEGORY, TabularEncoder, fit_tabular, tabular_frame
from components.core.errors import InputError


def frame(n: int = 30, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.normal(60, 10, n)
    age[::6] = np.nan
    return pd.DataFrame(
        {
            "age": age,
            "bmi": rng.normal(26, 3, n),
            "sex": pd.Series(["F", "M", "F"] * (n // 3), dtype="string"),
        }
    )


def test_numbers_are_standardised_by_the_training_mean_and_sd() -> None:
    train = frame()
    out = fit_tabular(train).transform(train)
    assert out.dtype == np.float32
    known = train["age"].notna().to_numpy()
    expected = (train["age"] - train["age"].mean()) / train["age"].std(ddof=0)
    np.testing.assert_allclose(out[known, 0], expected[known], rtol=1e-5)
    assert out[:, 2].mean() == pytest.approx(0, abs=1e-6)
    assert out[:, 2].std() == pytest.approx(1, rel=1e-5)


def test_a_gap_is_zero_and_indicated_where_training_had_gaps() -> None:
    encoder = fit_tabular(frame())
    assert encoder.features == ["age", "age=missing", "bmi", "sex=F", "sex=M"]
    row = pd.DataFrame({"age": [np.nan], "bmi": [np.nan], "sex": pd.Series([None], dtype="string")})
    assert encoder.transform(row).tolist() == [[0.0, 1.0, 0.0, 0.0, 0.0]]


def test_statistics_come_from_the_rows_it_was_fitted_on_alone() -> None:
    train, later = frame(), frame(seed=9).assign(bmi=500.0)
    encoder = fit_tabular(train)
    before = encoder.model_dump_json()
    encoder.transform(later)
    assert encoder.model_dump_json() == before
    assert encoder.fitted_rows == 30
    assert encoder.numeric[1].mean == pytest.approx(train["bmi"].mean())


def test_values_beyond_the_training_range_are_held_at_its_margin() -> None:
    train = frame()
    encoder = fit_tabular(train)
    far = train.iloc[:3].assign(bmi=[1e9, -1e9, float("inf")])
    held = encoder.transform(far)[:, 2]
    bmi = train["bmi"]
    high = (bmi.max() + 3 * bmi.std(ddof=0) - bmi.mean()) / bmi.std(ddof=0)
    low = (bmi.min() - 3 * bmi.std(ddof=0) - bmi.mean()) / bmi.std(ddof=0)
    np.testing.assert_allclose(held, [high, low, high], rtol=1e-5)


@pytest.mark.parametrize("value", [0.1, 3.0, -1e-12, 1e9 + 0.1])
def test_a_constant_column_is_dropped(value: float) -> None:
    train = frame().assign(same=value)
    assert "same" not in fit_tabular(train).features


def test_a_column_of_gaps_is_dropped() -> None:
    assert "none" not in fit_tabular(frame().assign(none=np.nan)).features


def test_rare_categories_are_no_column_and_unknown_ones_are_zeros() -> None:
    common, rare = ["lung"] * MIN_CATEGORY, ["eye"] * (MIN_CATEGORY - 1)
    train = pd.DataFrame({"cancer": pd.Series([*common, *rare, None], dtype="string")})
    encoder = fit_tabular(train)
    assert encoder.features == ["cancer=lung"]
    asked = pd.DataFrame({"cancer": pd.Series(["lung", "eye", "nose", None], dtype="string")})
    assert encoder.transform(asked)[:, 0].tolist() == [1, 0, 0, 0]


def test_integers_booleans_and_nullable_columns_are_numbers() -> None:
    train = pd.DataFrame(
        {
            "count": pd.Series([1, 2, None] * 4, dtype="Int64"),
            "flag": [True, False, False] * 4,
        }
    )
    encoder = fit_tabular(train)
    assert encoder.features == ["count", "count=missing", "flag"]
    assert encoder.transform(train)[2, :2].tolist() == [0.0, 1.0]


@given(st.integers(0, 1000))
def test_json_round_trip_is_exact(seed: int) -> None:
    train = frame(seed=seed)
    encoder = fit_tabular(train)
    again = TabularEncoder.model_validate_json(encoder.model_dump_json())
    assert again == encoder
    np.testing.assert_array_equal(again.transform(train), encoder.transform(train))


def test_columns_may_come_in_any_order_and_with_others_beside() -> None:
    train = frame()
    encoder = fit_tabular(train)
    turned = train.assign(other=1)[["other", "sex", "bmi", "age"]]
    np.testing.assert_array_equal(encoder.transform(turned), encoder.transform(train))
    assert encoder.columns == ["age", "bmi", "sex"]


def test_a_missing_column_is_named() -> None:
    encoder = fit_tabular(frame())
    with pytest.raises(InputError, match="the table lacks age, sex; the model was trained on them"):
        encoder.transform(frame()[["bmi"]])


def test_no_feature_gives_a_table_of_width_zero() -> None:
    assert fit_tabular(pd.DataFrame(index=range(4))).transform(frame()).shape == (30, 0)


def test_tabular_frame_takes_the_prefix_off() -> None:
    manifest = pd.DataFrame({"tab.age": [1.0], "tab.bmi": [2.0], "label": [0]})
    assert list(tabular_frame(manifest, ["bmi"], "tab.").columns) == ["bmi"]


def test_one_row_is_encoded_as_a_frame_of_one() -> None:
    encoder = fit_tabular(frame())
    for age in (61.5, 1e9, None):
        for sex in ("F", "M", "X", None):
            row = {"age": age, "bmi": 24.0, "sex": sex}
            one = pd.DataFrame({"age": [age], "bmi": [24.0]}, dtype="float64")
            one["sex"] = pd.Series([sex], dtype="string")
            np.testing.assert_array_equal(encoder.encode(row), encoder.transform(one))
    assert encoder.encode({"age": 61.5, "bmi": None, "sex": "M"})[0, 3:].tolist() == [0.0, 1.0]


def test_a_row_without_a_column_names_it() -> None:
    with pytest.raises(InputError, match="the table lacks sex; the model was trained on them"):
        fit_tabular(frame()).encode({"age": 60.0, "bmi": None})


def test_an_encoder_without_columns_encodes_a_row_to_nothing() -> None:
    assert TabularEncoder().encode({"age": 60.0}).shape == (1, 0)
