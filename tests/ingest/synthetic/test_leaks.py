"""Every leak is there when asked for, and its clean twin differs in nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.ingest.synthetic.generate import generate
from components.ingest.synthetic.leaks import SPLITS, other_split, split_of
from components.ingest.synthetic.options import SyntheticOptions


def cohort(folder: Path, **options: object) -> pd.DataFrame:
    folder.mkdir()
    generate(folder, SyntheticOptions.model_validate({"patients": 120, **options}))
    return pd.read_csv(folder / "manifest.csv", dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return cohort(tmp_path_factory.mktemp("clean") / "x", clean_split=True)


def splits_per_patient(manifest: pd.DataFrame) -> pd.Series:
    return manifest.groupby("patient_id").split.nunique()


def test_clean_split_is_by_patient(clean: pd.DataFrame) -> None:
    assert set(clean.split) == set(SPLITS)
    assert splits_per_patient(clean).max() == 1
    assert not clean.patient_id.str.startswith("R").any()


def test_split_shares_are_70_15_15() -> None:
    splits = [split_of(1, index) for index in range(3_000)]
    assert splits.count("train") / 3_000 == pytest.approx(0.70, abs=0.04)
    assert splits.count("test") / 3_000 == pytest.approx(0.15, abs=0.03)
    assert all(other_split(name) != name for name in SPLITS)


def test_patient_overlap(clean: pd.DataFrame, tmp_path: Path) -> None:
    leaky = cohort(tmp_path / "x", leaks=("patient_overlap",))
    assert (splits_per_patient(leaky) > 1).sum() >= 2
    pd.testing.assert_frame_equal(leaky.drop(columns="split"), clean.drop(columns="split"))


def test_identical_waveform(clean: pd.DataFrame, tmp_path: Path) -> None:
    leaky = cohort(tmp_path / "x", leaks=("identical_waveform",)).set_index("recording_id")
    twins = leaky[leaky.patient_id.str.startswith("R")]
    assert len(twins) == 3
    for name, twin in twins.iterrows():
        original = leaky.loc[str(name).removesuffix("-t")]
        assert original.split != twin.split
        assert original.patient_id != twin.patient_id
        first, second = (tmp_path / "x" / row.path for row in (original, twin))
        if first.suffix == ".hea":
            first, second = first.with_suffix(".dat"), second.with_suffix(".dat")
        assert first.read_bytes() == second.read_bytes()
    rest = leaky[~leaky.patient_id.str.startswith("R")].reset_index()
    pd.testing.assert_frame_equal(rest[clean.columns], clean)


def test_label_column(clean: pd.DataFrame, tmp_path: Path) -> None:
    leaky = cohort(tmp_path / "x", leaks=("label_column",))
    known = leaky.label != ""
    agree = (leaky.cardiac_review_code == "K2") == (leaky.label == "1")
    assert 0.9 < agree[known].mean() <= 1.0
    pd.testing.assert_frame_equal(
        leaky.drop(columns="cardiac_review_code"), clean.drop(columns="split")
    )


def test_censored_as_negative(clean: pd.DataFrame, tmp_path: Path) -> None:
    leaky = cohort(tmp_path / "x", leaks=("censored_as_negative",))
    censored = clean.label == ""
    assert censored.any()
    assert (leaky.label[censored] == "0").all()
    assert np.array_equal(leaky.label[~censored], clean.label[~censored])


def test_near_copy(clean: pd.DataFrame, tmp_path: Path) -> None:
    leaky = cohort(tmp_path / "x", leaks=("near_copy",)).set_index("recording_id")
    copies = leaky[leaky.patient_id.str.startswith("S")]
    assert len(copies) == 3
    for name, copy in copies.iterrows():
        original = leaky.loc[str(name).removesuffix("-c")]
        assert original.split != copy.split
        first, second = (tmp_path / "x" / row.path for row in (original, copy))
        assert first.read_bytes() != second.read_bytes()
    rest = leaky[~leaky.patient_id.str.startswith("S")].reset_index()
    pd.testing.assert_frame_equal(rest[clean.columns], clean)


def test_label_gap(clean: pd.DataFrame, tmp_path: Path) -> None:
    leaky = cohort(tmp_path / "x", leaks=("label_gap",))
    assert ((leaky.cardiology_visit_days != "") == (leaky.label == "1")).all()
    pd.testing.assert_frame_equal(
        leaky.drop(columns="cardiology_visit_days"), clean.drop(columns="split")
    )


def test_late_feature(clean: pd.DataFrame, tmp_path: Path) -> None:
    leaky = cohort(tmp_path / "x", leaks=("late_feature",))
    taken = leaky[leaky.troponin_followup != ""]
    assert len(taken) > 60
    assert (taken.troponin_followup_time > taken.index_time).all()
    followed = pd.to_numeric(leaky.followup_days) >= 90
    assert ((leaky.troponin_followup_time != "") == followed).all()
    columns = ["troponin_followup", "troponin_followup_time"]
    pd.testing.assert_frame_equal(leaky.drop(columns=columns), clean.drop(columns="split"))
