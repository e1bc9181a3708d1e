"""Splits by the years that shifted dates still tell."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from components.core.config.sections import SplitConfig
from components.core.errors import InputError
from components.preprocess import splits
from tests.preprocess.test_planned import cohort

GROUPS = ("2008 - 2010", "2011 - 2013", "2014 - 2016", "2017 - 2019")


def with_periods(groups: tuple[str | None, ...] = GROUPS, **more: Any) -> pd.DataFrame:
    """Return patients whose periods go round; the period is the number modulo their count."""
    frame = cohort(**more)
    number = frame["patient_id"].str[1:].astype(int)
    return frame.assign(period=[groups[i // 4 % len(groups)] for i in number])


def drawn(frame: pd.DataFrame, **more: Any) -> splits.Split:
    return splits.assign(frame, SplitConfig.model_validate({"method": "period", **more}))


def test_the_last_period_is_tested_and_the_one_before_validates() -> None:
    frame = with_periods()
    split = drawn(frame)
    part = split.parts["part.period"]
    assert set(frame.loc[part == "test", "period"]) == {GROUPS[3]}
    assert set(frame.loc[part == "val", "period"]) == {GROUPS[2]}
    assert set(frame.loc[part == "train", "period"]) == set(GROUPS[:2])
    assert (split.method, split.groups) == ("period", {"patient_id": "all"})
    assert split.note == (
        "Split by period: the test part is 2017 - 2019, validation is 2014 - 2016; not stratified."
    )


def test_of_two_periods_validation_is_drawn_from_the_first() -> None:
    frame = with_periods(GROUPS[:2])
    split = drawn(frame)
    part = split.parts["part.period"]
    assert set(frame.loc[part == "test", "period"]) == {GROUPS[1]}
    assert set(frame.loc[part != "test", "period"]) == {GROUPS[0]}
    rest = frame[part != "test"].groupby("patient_id").first()
    share = (part[frame.drop_duplicates("patient_id").index] == "val").sum() / len(rest)
    assert share == pytest.approx(0.15 / 0.85, abs=0.02)
    assert split.note.endswith("validation is drawn from 2008 - 2010.")
    assert not drawn(frame, seed=1).parts["part.period"].equals(part)


def test_a_patient_goes_by_the_last_period() -> None:
    frame = with_periods()
    first = frame.index[frame["patient_id"] == "p000"][0]
    frame.loc[first, "period"] = GROUPS[3]
    part = drawn(frame).parts["part.period"]
    assert set(part[frame["patient_id"] == "p000"]) == {"test"}


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        (GROUPS[:1], "all records are of the period 2008 - 2010; a split by period needs another"),
        ((*GROUPS[:2], None), r"\d+ of 200 records have no period \(anchor_year_group\), which"),
        ((*GROUPS[:2], "late"), "the period 'late' names no year; write it as in '2014 - 2016'"),
    ],
)
def test_periods_that_cannot_split(groups: tuple[str | None, ...], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        drawn(with_periods(groups))


def test_one_patient_cannot_train_and_validate() -> None:
    frame = with_periods(GROUPS[:2])
    lone = frame[(frame["period"] == GROUPS[1]) | (frame["patient_id"] == "p000")]
    with pytest.raises(InputError, match=r"there are 1 patient\(s\) outside the test part; train"):
        drawn(lone.reset_index(drop=True))


def test_dates_where_there_are_periods_are_said_to_be_shifted() -> None:
    note = "where dates are shifted per patient, days of different patients cannot be compared"
    assert note in drawn(with_periods(), method="temporal").note
    assert note not in drawn(cohort(), method="temporal").note
    assert note not in drawn(with_periods((None,)), method="temporal").note
