"""Groups from columns: bands, codes, free text kept in, names that a store takes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from components.core.config.base import validate
from components.core.config.evaluate import SubgroupsConfig
from components.core.errors import ConfigError
from components.evaluate.subgroups import wording
from components.evaluate.subgroups.grouping import Column, band_names, columns_of, safe


def manifest(**columns: object) -> pd.DataFrame:
    size = len(next(iter(columns.values())))  # type: ignore[arg-type]
    plain = {"patient_id": [f"p{i}" for i in range(size)], "row": np.arange(size) + 2, "site": None}
    return pd.DataFrame(plain | columns)


def one(frame: pd.DataFrame, **config: object) -> Column:
    (column,) = columns_of(frame, SubgroupsConfig.model_validate(config))
    return column


def test_age_is_banded_and_a_cut_point_lies_above() -> None:
    ages = [17, 18, 49, 49.5, 50, 64, 65, 75, 90, np.nan]
    column = one(manifest(**{"tab.age": ages}))
    assert column.shown == ("under 18", "18-49", "50-64", "65-74", "75+")
    assert column.of_patient.tolist() == [
        "under 18", "18-49", "18-49", "18-49", "50-64", "50-64", "65-74", "75+", "75+",
    ]  # fmt: skip
    assert "p9" not in column.of_patient.index
    assert column.keys["under 18"] == "under_18"
    assert one(manifest(**{"tab.age": ages[1:]})).shown[0] == "18-49"


def test_cut_points_that_are_not_whole_are_told_as_such() -> None:
    assert band_names((0.5, 1.5)) == ("under 0.5", "0.5 to under 1.5", "1.5+")


def test_a_code_is_a_category_and_a_measurement_needs_cut_points() -> None:
    flags = manifest(**{"tab.prior_hf": [0, 1] * 20})
    assert one(flags, columns=["prior_hf"]).shown == ("0", "1")
    bmi = manifest(**{"tab.bmi": np.linspace(18, 40, 60)})
    with pytest.raises(ConfigError, match=r"'bmi' of evaluate.subgroups is a measurement"):
        columns_of(bmi, SubgroupsConfig(columns=("bmi",)))
    grades = manifest(**{"tab.grade": np.arange(60) % 11})
    with pytest.raises(ConfigError, match=r"no cut points; give some, e.g"):
        columns_of(grades, SubgroupsConfig(columns=("grade",)))
    cut = SubgroupsConfig(columns=("bmi",), bands={"bmi": (25.0, 30.0)})
    assert columns_of(bmi, cut)[0].shown == ("under 25", "25-29", "30+")


def test_what_fewer_than_twenty_patients_hold_is_shown_nowhere() -> None:
    texts = ["anthracycline"] * 30 + ["trial of Dr Miller"] * 19 + ["none"] * 20
    texts += ["J. Smith, 1931"]
    column = one(manifest(**{"tab.therapy": texts}))
    assert column.shown == ("anthracycline", "none", "other (2 values)")
    assert column.keys == {
        "anthracycline": "anthracycline", "none": "none", "other (2 values)": "other",
    }  # fmt: skip
    assert set(column.of_patient) == set(column.shown)


def test_values_of_one_safe_name_stay_apart() -> None:
    column = one(manifest(site=["St A"] * 20 + ["St+A"] * 20 + ["St_A"] * 20))
    assert column.keys == {"St A": "St_A", "St+A": "St_A_2", "St_A": "St_A_3"}
    assert safe("a/b c") == "a_b_c"


def test_rare_values_have_one_name_whatever_a_common_one_is_called() -> None:
    column = one(manifest(site=["A"] * 20 + ["other"] * 20 + ["rare"]))
    assert column.keys == {"A": "A", "other": "other_2", "other (1 value)": "other"}


def test_a_patient_is_in_the_group_of_the_first_recording_that_says() -> None:
    frame = manifest(site=[None, "B", "A"] + ["A", "B"] * 20)
    frame.loc[:2, "patient_id"] = "q"
    frame.loc[:2, "row"] = [4, 3, 2]
    assert one(frame).of_patient["q"] == "A"
    frame.loc[2, "site"] = None
    assert one(frame).of_patient["q"] == "B"


def test_the_standard_columns_are_those_that_are_there_and_divide() -> None:
    frame = manifest(
        site=["A"] * 40, **{"tab.race": ["x", "y"] * 20, "tab.sex": ["F", "M"] * 20, "tab.x": 1.0}
    )
    assert [each.name for each in columns_of(frame, SubgroupsConfig())] == ["sex", "race"]
    with pytest.raises(ConfigError, match=r"columns names 'sexx'; did you mean 'sex'"):
        columns_of(frame, SubgroupsConfig(columns=("sexx",)))


@pytest.mark.parametrize("cuts", [[], [3, 2], [2, 2]])
def test_cut_points_must_ascend(cuts: list[float]) -> None:
    with pytest.raises(ConfigError, match=r"cut points of 'age' must ascend; give at least one"):
        validate(SubgroupsConfig, {"bands": {"age": cuts}}, "task.yaml")


def test_years_that_shifted_dates_still_tell_are_groups() -> None:
    told = ["2014 - 2016"] * 25 + ["2017 - 2019"] * 30
    column = one(manifest(period=told))
    assert (column.name, column.shown) == ("period", ("2014 - 2016", "2017 - 2019"))
    assert columns_of(manifest(period=[None] * 55), SubgroupsConfig()) == ()
    # A clinical field of that name counts where the source tells no years.
    frame = manifest(period=[None] * 55, **{"tab.period": told})
    assert one(frame, columns=["period"]).shown == ("2014 - 2016", "2017 - 2019")
    both = manifest(period=told, **{"tab.period": ["a", "b"] * 27 + ["a"]})
    assert one(both, columns=["period"]).shown == ("2014 - 2016", "2017 - 2019")


def test_years_are_read_with_the_encoder_in_mind() -> None:
    assert wording.years(["age", "sex"], "Clinical-Longformer") == ""
    plain = wording.years(["age", "period"], "")
    assert "tell of drift" in plain
    assert "MIMIC-III" not in plain
    told = wording.years(["period"], "Clinical-Longformer")
    assert told.startswith(plain)
    assert "Texts are read by 'Clinical-Longformer'" in told
    assert "MIMIC-III, patients of 2001 to 2012" in told
