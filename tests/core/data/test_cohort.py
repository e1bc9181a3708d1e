"""What training may see of a cohort, and how the test part is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from components.core import runs
from components.core.data import cohort as cohorts
from components.core.data.batches import raw_batch
from components.core.data.held_out import Opening, read_test, record_opening
from components.core.errors import InputError, RefusedError
from components.core.schemas import MANIFEST
from components.core.store import Stage
from tests.conftest import Workplace

Build = Callable[..., Stage]


@pytest.mark.parametrize("part", ["train", "val"])
def test_a_part_holds_its_labelled_rows_and_no_other(cohort: Build, part: str) -> None:
    stage = cohort()
    frame = pd.read_parquet(stage.folder / MANIFEST)
    rows = cohorts.read_part(stage, "holdout", part)
    wanted = frame[(frame["part.holdout"] == part) & frame["label"].notna()]
    assert list(rows.frame["sample_id"]) == list(wanted["sample_id"])
    assert rows.label.tolist() == wanted["label"].astype(int).tolist()
    assert rows.tabular.shape == (len(rows), len(rows.stats.tabular.features))
    assert rows.weight.tolist() == wanted["weight.holdout"].tolist()
    assert rows.shard.tolist() == wanted["shard"].tolist()


def test_the_unlabelled_are_read_on_request_and_can_be_predicted(cohort: Build) -> None:
    stage = cohort()
    frame = pd.read_parquet(stage.folder / MANIFEST)
    rows = cohorts.read_part(stage, "holdout", "train", unlabelled=True)
    wanted = frame[frame["part.holdout"] == "train"]
    assert list(rows.frame["sample_id"]) == list(wanted["sample_id"])
    assert not rows.labelled
    batch = raw_batch(rows, np.arange(len(rows)))
    assert batch["ecg"].shape[0] == batch["tabular"].shape[0] == len(wanted)
    assert "label" not in batch
    known = cohorts.read_part(stage, "holdout", "train")
    assert known.labelled
    assert "label" in raw_batch(known, np.arange(len(known)))
    with pytest.raises(RefusedError, match="stays closed to training"):
        cohorts.read_part(stage, "holdout", "test", unlabelled=True)


def test_the_test_part_is_refused(cohort: Build) -> None:
    sentence = "test part of fold holdout stays closed to training; evaluate alone opens it"
    with pytest.raises(RefusedError, match=sentence):
        cohorts.read_part(cohort(), "holdout", "test")


def test_an_unknown_fold_lists_the_known(cohort: Build) -> None:
    stage = cohort(folds=("f0", "f1"))
    with pytest.raises(InputError, match="no fold 'f7'; the cohort has f0, f1"):
        cohorts.read_part(stage, "f7", "train")


def test_weights_follow_the_fold_and_a_missing_one_is_one(cohort: Build) -> None:
    stage = cohort(folds=("f0", "f1"))
    rows = cohorts.read_part(stage, "f1", "train")
    assert set(rows.weight) <= {2.0, 2.5}
    file = stage.folder / MANIFEST
    pd.read_parquet(file).assign(**{"weight.f1": np.nan}).to_parquet(file, index=False)
    assert set(cohorts.read_part(stage, "f1", "train").weight) == {1.0}


def test_a_tabular_cohort_has_no_reader(cohort: Build) -> None:
    rows = cohorts.read_part(cohort(ecg=False), "holdout", "train")
    assert rows.reader is None
    assert rows.tabular.shape[1] > 0


def test_everyone_is_read_under_cross_validation_with_mean_weights(cohort: Build) -> None:
    stage = cohort(folds=("f0", "f1"))
    rows = cohorts.read_everyone(stage, "refit")
    frame = pd.read_parquet(stage.folder / MANIFEST)
    known = frame[frame["label"].notna()]
    assert list(rows.frame["sample_id"]) == list(known["sample_id"])
    assert rows.weight == pytest.approx(known[["weight.f0", "weight.f1"]].mean(axis=1))
    assert rows.stats.fold == "refit"
    assert rows.stats.records == len(known)


def test_everyone_is_refused_for_a_fixed_test_part(cohort: Build) -> None:
    with pytest.raises(RefusedError, match="one fixed test part has no refit on everyone"):
        cohorts.read_everyone(cohort(), "refit")


def test_the_test_part_is_read_after_a_recorded_opening_and_openings_are_counted(
    workspace: Workplace, cohort: Build
) -> None:
    stage = cohort()
    for count in (1, 2):
        with runs.open_run("toy", "evaluate", {}) as recorder:
            opening = record_opening(stage, recorder)
            rows = read_test(stage, "holdout", opening)
        assert opening.count == count
        assert set(rows.frame["part.holdout"]) == {"test"}
        assert runs.run_tag(opening.run_id, runs.TAG_TEST_SPLIT) == "e" * 64


def test_an_opening_that_was_not_recorded_is_refused(workspace: Workplace, cohort: Build) -> None:
    stage = cohort()
    with runs.open_run("toy", "evaluate", {}) as recorder:
        forged = Opening("e" * 64, recorder.run_id, 1)
        with pytest.raises(RefusedError, match="opening of the test split was not recorded"):
            read_test(stage, "holdout", forged)


def test_an_opening_of_another_split_is_refused(workspace: Workplace, cohort: Build) -> None:
    stage = cohort()
    other = replace(stage, facts={**stage.facts, "test_split_sha256": "d" * 64})
    with runs.open_run("toy", "evaluate", {}) as recorder:
        opening = record_opening(other, recorder)
        with pytest.raises(RefusedError, match="recorded for another test split; record this one"):
            read_test(stage, "holdout", opening)
