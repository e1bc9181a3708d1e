"""Splits by calendar time and by site, groups kept whole, and undetermined patients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.config.base import validate
from components.core.config.sections import SplitConfig
from components.core.errors import ConfigError, InputError
from components.preprocess import splits
from components.preprocess.draws import strata

FIRST = pd.Timestamp("2020-01-01T09:00")


def cohort(patients: int = 100, **more: Any) -> pd.DataFrame:
    """Return two records per patient; patient i starts therapy on day i, sites go round."""
    number = np.repeat(np.arange(patients), 2)
    frame = pd.DataFrame(
        {
            "patient_id": [f"p{i:03d}" for i in number],
            "label": pd.Series(number % 4 == 0, dtype="Int8"),
            "site": np.array(["A", "B", "C"])[number % 3],
            "index_time": [FIRST + pd.Timedelta(days=int(i)) for i in number],
            "given_split": pd.Series([None] * len(number), dtype="string"),
        }
    )
    return frame.assign(**more).sample(frac=1, random_state=1).reset_index(drop=True)


def drawn(frame: pd.DataFrame, **more: Any) -> splits.Split:
    return splits.assign(frame, SplitConfig.model_validate(more))


def test_temporal_trains_on_the_oldest_and_tests_on_the_latest() -> None:
    frame = cohort()
    split = drawn(frame, method="temporal")
    part = split.parts["part.temporal"]
    days = {name: frame.loc[part == name, "index_time"] for name in ("train", "val", "test")}
    assert days["train"].max() < days["val"].min() <= days["val"].max() < days["test"].min()
    assert [frame.loc[part == n, "patient_id"].nunique() for n in days] == [70, 15, 15]
    assert (split.method, split.groups) == ("temporal", {"patient_id": "all"})
    assert "test from 2020-03-26 on" in split.note
    assert "validation from 2020-03-11" in split.note


def test_temporal_from_a_day_on() -> None:
    frame = cohort()
    part = drawn(frame, method="temporal", test_from="2020-03-01").parts["part.temporal"]
    tested = frame.loc[part == "test", "index_time"]
    assert tested.dt.normalize().min() == pd.Timestamp("2020-03-01")
    assert tested.nunique() == 40
    assert frame.loc[part == "val", "patient_id"].nunique() == round(60 * 0.15 / 0.85)


def test_a_patient_goes_by_the_last_index_date() -> None:
    frame = cohort()
    first = frame.index[frame["patient_id"] == "p000"][0]
    frame.loc[first, "index_time"] = pd.Timestamp("2020-04-09T09:00")
    part = drawn(frame, method="temporal").parts["part.temporal"]
    assert set(part[frame["patient_id"] == "p000"]) == {"test"}


def test_index_dates_of_one_day_stay_together() -> None:
    frame = cohort()
    late = frame["index_time"] >= FIRST + pd.Timedelta(days=80)
    hours = pd.to_timedelta(frame.index % 12, unit="h")
    frame["index_time"] = frame["index_time"].where(~late, pd.Timestamp("2021-01-01") + hours)
    part = drawn(frame, method="temporal").parts["part.temporal"]
    assert set(part[late]) == {"test"}


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"test_from": "2019-01-01"}, "from 2019-01-01 on leaves a part empty .*2020-01-01 to"),
        ({"test_from": "2030-01-01"}, "from 2030-01-01 on leaves a part empty"),
        ({"test_from": "2020-01-02"}, "leaves a part empty"),
    ],
)
def test_a_temporal_split_without_a_part(more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        drawn(cohort(), method="temporal", **more)


def test_missing_index_dates_are_counted() -> None:
    frame = cohort()
    frame.loc[:4, "index_time"] = pd.NaT
    with pytest.raises(InputError, match="5 of 200 records have no index_time, which a temporal"):
        drawn(frame, method="temporal")


def test_named_sites_are_the_test_set() -> None:
    frame = cohort()
    split = drawn(frame, method="site", test_sites=["C"])
    part = split.parts["part.site"]
    assert set(frame.loc[part == "test", "site"]) == {"C"}
    assert set(frame.loc[part != "test", "site"]) == {"A", "B"}
    assert split.groups == {"patient_id": "all", "site": "test"}
    assert split.note == "Split by site: the test part is C; not stratified."
    rest = frame[part != "test"].groupby("patient_id")["label"].first()
    inner = frame[part == "val"].groupby("patient_id")["label"].first()
    assert len(inner) == round(len(rest) * 0.15 / 0.85)
    assert inner.mean() == pytest.approx(rest.mean(), abs=0.05)


def test_leave_one_site_out() -> None:
    frame = cohort()
    split = drawn(frame, method="site")
    assert list(split.parts) == ["part.r0f0", "part.r0f1", "part.r0f2"]
    for part, site in zip(split.parts.values(), "ABC", strict=True):
        assert set(frame.loc[part == "test", "site"]) == {site}
        assert part.groupby(frame["patient_id"]).nunique().max() == 1
    assert "A, B, C in this order" in split.note


def test_validation_of_a_site_split_without_two_of_a_class_is_still_drawn() -> None:
    frame = cohort()
    frame["label"] = (frame["patient_id"].isin(["p000", "p002", "p003"])).astype("Int8")
    with pytest.raises(InputError, match=r"the (train|val) part of site has no record with label"):
        drawn(frame, method="site", test_sites=["A", "B"])


@pytest.mark.parametrize(
    ("change", "more", "sentence"),
    [
        ({"site": None}, {}, "200 of 200 records have no site"),
        ({}, {"test_sites": ["D"]}, "test_sites names 'D'; known are: A, B, C"),
        ({}, {"test_sites": ["A", "B", "C"]}, r"all records are of the test site\(s\) A, B, C"),
        ({"site": "A"}, {}, r"all records are of the test site\(s\) A; training needs another"),
    ],
)
def test_wrong_sites(change: dict[str, Any], more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        drawn(cohort(**change), method="site", **more)


def test_a_patient_of_two_sites_is_not_torn_apart() -> None:
    frame = cohort()
    frame.loc[frame.index[frame["patient_id"] == "p002"][0], "site"] = "A"
    with pytest.raises(InputError, match=r"1 patient\(s\) have records at C and elsewhere"):
        drawn(frame, method="site", test_sites=["C"])


def test_groups_are_kept_whole_by_drawn_splits() -> None:
    frame = cohort()
    frame["admission_id"] = (frame["patient_id"].str[1:].astype(int) // 2).astype(str)
    split = drawn(frame, method="holdout", group="admission")
    part = split.parts["part.holdout"]
    assert part.groupby(frame["admission_id"]).nunique().max() == 1
    assert part.groupby(frame["patient_id"]).nunique().max() == 1
    assert split.groups == {"patient_id": "all", "admission_id": "all"}


def test_groups_tie_patients_over_several_steps() -> None:
    frame = cohort(60)
    patient = frame["patient_id"].str[1:].astype(int)
    # A patient's second record shares its site with the next patient: chains of three patients.
    second = frame.duplicated("patient_id")
    frame["site"] = patient // 3 * 10 + np.where(second, patient % 3, (patient % 3 - 1).clip(0))
    part = drawn(frame.astype({"site": str}), method="holdout", group="site").parts["part.holdout"]
    assert part.groupby(patient // 3).nunique().max() == 1


def test_a_given_split_is_not_moved_by_its_group() -> None:
    frame = cohort()
    names = np.array(["train", "val", "test"])[frame["patient_id"].str[1:].astype(int) // 4 % 3]
    split = drawn(frame.assign(given_split=names), group="site")
    assert split.parts["part.given"].tolist() == names.tolist()
    assert split.groups == {"patient_id": "all", "site": "all"}  # for the audit to judge


@pytest.mark.parametrize(
    ("group", "change", "sentence"),
    [
        ("admission", {}, "group is 'admission', but the data bring no admission_id"),
        ("site", {"site": None}, "group is 'site', but the data bring no site"),
        ("site", {"site": ["A"] * 199 + [None]}, "1 of 200 records have no site, which"),
        ("site", {"site": "A"}, r"there are 1 whole site group\(s\) with the event"),
    ],
)
def test_missing_groups(group: str, change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        drawn(cohort(**change), method="holdout", group=group)


def test_undetermined_patients_are_a_stratum_of_their_own() -> None:
    frame = cohort(200)
    patient = frame["patient_id"].str[1:].astype(int)
    frame["label"] = frame["label"].mask(patient % 5 == 1)
    part = drawn(frame, method="holdout").parts["part.holdout"]
    unknown = frame["label"].isna()
    shares = part[unknown].value_counts(normalize=True)
    assert shares.to_dict() == pytest.approx({"train": 0.7, "val": 0.15, "test": 0.15}, abs=0.001)
    assert strata(frame["label"], frame["patient_id"]).value_counts().to_dict() == {
        0: 120, 1: 40, 2: 40,
    }  # fmt: skip


@pytest.mark.parametrize("unknown", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("method", ["holdout", "folds"])
def test_few_undetermined_patients_are_spread_like_negatives(unknown: int, method: str) -> None:
    frame = cohort(80)
    frame["label"] = frame["label"].mask(
        frame["patient_id"].isin([f"p{i:03d}" for i in range(unknown)])
    )
    for part in drawn(frame, method=method).parts.values():
        assert part.isin(["train", "val", "test"]).all()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"test_from": "2020-01-01"}, "test_from belongs to the method 'temporal'"),
        ({"method": "folds", "test_sites": ["A"]}, "test_sites belongs to the method 'site'"),
    ],
)
def test_settings_of_another_method(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        validate(SplitConfig, settings, "here")
