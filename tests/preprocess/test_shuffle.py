"""Shuffled outcomes: whole patients, everything of an outcome together, nothing lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.config.sections import SplitConfig
from components.core.errors import InputError
from components.core.store import Stage
from components.preprocess.shuffle import shuffle_outcomes
from components.preprocess.splits import assign
from tests.chain import (
    TABULAR_OPTIONS,
    audited,
    ingest_config,
    ingested,
    manifest_of,
    prepared,
    write_tabular_cohort,
)

OUTCOME = [
    "label", "event_time_days", "death_days", "followup_days", "target.lvef", "y.risk",
]  # fmt: skip


def cohort(patients: int = 40, *, seed: int = 0) -> pd.DataFrame:
    """One to three recordings each; every patient's follow-up is its own."""
    rng = np.random.default_rng(seed)
    visits = rng.integers(1, 4, patients)
    event = np.arange(patients) % 4 == 0
    frame = pd.DataFrame(
        {
            "patient_id": [f"p{i:02d}" for i in range(patients)],
            "label": pd.array(np.where(event, 1, 0), dtype="Int8"),
            "event_time_days": np.where(event, 10.0 + np.arange(patients), np.nan),
            "death_days": np.where(np.arange(patients) % 7 == 1, 500.0, np.nan),
            "followup_days": 1000.0 + np.arange(patients),
            "target.lvef": 20.0 + np.arange(patients),
            "y.risk": np.arange(patients) % 3.0,
            "x": rng.normal(size=patients),
        }
    )
    frame.loc[5, "label"] = pd.NA
    return frame.loc[np.repeat(np.arange(patients), visits)].reset_index(drop=True)


@given(seed=st.integers(0, 1000))
def test_outcomes_are_permuted_whole(seed: int) -> None:
    frame = cohort()
    found = shuffle_outcomes(frame, seed)
    pd.testing.assert_frame_equal(found[["patient_id", "x"]], frame[["patient_id", "x"]])
    assert found.dtypes.equals(frame.dtypes)
    assert found.groupby("patient_id")["followup_days"].nunique().eq(1).all()
    before, after = (f.drop_duplicates("patient_id")[OUTCOME] for f in (frame, found))
    order = ["followup_days"]
    pd.testing.assert_frame_equal(
        before.sort_values(order, ignore_index=True), after.sort_values(order, ignore_index=True)
    )


def test_seeds_differ_and_the_order_of_records_does_not_count() -> None:
    frame = cohort()
    first = shuffle_outcomes(frame, 1)
    assert not first["followup_days"].equals(frame["followup_days"])
    assert not first["followup_days"].equals(shuffle_outcomes(frame, 2)["followup_days"])
    mixed = frame.sample(frac=1, random_state=3)
    again = shuffle_outcomes(mixed, 1).sort_index()
    pd.testing.assert_frame_equal(again, first)


def test_a_patient_whose_recordings_differ_hands_on_the_event() -> None:
    frame = cohort(12)
    frame["label"] = 0
    frame["event_time_days"] = np.nan
    frame.loc[frame.index[frame["patient_id"] == "p03"][-1], "label"] = 1
    found = shuffle_outcomes(frame, 0)
    assert int(found.groupby("patient_id")["label"].max().sum()) == 1


def shuffled(tmp_path: Path, seed: int | None) -> Stage:
    path = write_tabular_cohort(tmp_path, patients=200)
    source = ingested(ingest_config("table", path, TABULAR_OPTIONS))
    return prepared(source, label={"shuffle": seed}, split={"method": "holdout"})


def test_a_control_has_its_models_patients_in_every_part(tmp_path: Path, data_folder: Path) -> None:
    own, *controls = (shuffled(tmp_path, seed) for seed in (None, 4, 5))
    parts = ["sample_id", "part.holdout"]
    for control in controls:
        pd.testing.assert_frame_equal(manifest_of(control)[parts], manifest_of(own)[parts])
        assert not manifest_of(control)["label"].equals(manifest_of(own)["label"])
    # What is read of a control's test part says nothing of the true labels.
    assert len({each.facts["test_split_sha256"] for each in (own, *controls)}) == 3


def test_weights_are_those_of_the_dealt_outcomes(tmp_path: Path, data_folder: Path) -> None:
    path = write_tabular_cohort(tmp_path, patients=200)
    table = pd.read_csv(path)
    rng = np.random.default_rng(0)
    table["event_days"] = np.where(table["label"] == 1, rng.integers(1, 300, len(table)), np.nan)
    table["seen_days"] = rng.integers(300, 900, len(table))
    table.to_csv(path, index=False)
    options = {key: own for key, own in TABULAR_OPTIONS.items() if key != "label"}
    times = {"event_time_days": "event_days", "followup_days": "seen_days"}
    source = ingested(ingest_config("table", path, options | times))
    label = {"horizon_days": 365, "shuffle": 3}
    control = manifest_of(prepared(source, label=label, split={"method": "holdout"}))
    # An outcome that is not known stays with its follow-up, and counts in no part.
    censored = control["censored"].astype(bool)
    assert 0 < censored.sum() < len(control)
    assert (control["label"].isna() == censored).all()
    assert (control.loc[censored, "weight.holdout"] == 0).all()
    assert (control.loc[~censored, "weight.holdout"] > 0).all()


def test_a_seed_that_leaves_a_part_without_a_class_is_refused() -> None:
    frame = pd.DataFrame(
        {"patient_id": list("abcdef"), "label": [0, 1, 0, 0, 1, 0],
         "given_split": ["train", "train", "val", "val", "test", "test"]}
    )  # fmt: skip
    own = pd.Series([0, 1] * 3)
    assert assign(frame, SplitConfig(), label=own).method == "given"
    sentence = r"label.shuffle=7 leaves the val part of given without a record of label 1; choose"
    with pytest.raises(InputError, match=sentence):
        assign(frame, SplitConfig(), label=own, shuffle=7)


def test_a_cohort_with_shuffled_labels(tmp_path: Path, data_folder: Path) -> None:
    own, control = shuffled(tmp_path, None), shuffled(tmp_path, 4)
    assert (own.facts["labels_shuffled"], control.facts["labels_shuffled"]) == (None, 4)
    assert control.counts["events"] == own.counts["events"]
    before, after = manifest_of(own), manifest_of(control)
    assert abs(before["tab.x"].corr(before["label"].astype(float))) > 0.4
    assert abs(after["tab.x"].corr(after["label"].astype(float))) < 0.2
    findings = audited(control, label={"shuffle": 4}).facts["findings"]
    (said,) = [f for f in findings if f["check"] == "shuffled_labels"]
    assert said["status"] == "info"
    assert "with seed 4: a control" in said["sentence"]
    assert not [f for f in findings if f["status"] == "refused"]
    (plain,) = [f for f in audited(own).facts["findings"] if f["check"] == "shuffled_labels"]
    assert plain["sentence"] == "every patient has the label that came with the data"
