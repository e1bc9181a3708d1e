"""The risks of validation in a bundle are those that it gives, or would give, these records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.bundle import Predictor
from components.core.bundle_validation import ValidationRisks
from components.core.trained import members_of
from tests.chain import manifest_of
from tests.evaluate.conftest import Example

Get = Callable[[str], Example]
_NEAR = 1e-5  # of an edge, where rounding decides on the bin


def risks(done: Example) -> ValidationRisks:
    found = predictor(done).facts.validation
    assert found is not None
    return found


def predictor(done: Example) -> Predictor:
    return Predictor(done.stage.folder / "bundle")


def assert_same(found: ValidationRisks, probability: Any, label: pd.Series) -> None:
    """Compare cumulative counts, bin by bin and class by class."""
    for counts, value in ((found.event, 1), (found.no_event, 0)):
        own = np.asarray(probability)[(label == value).to_numpy()]
        assert sum(counts) == len(own)
        for edge, below in zip(found.edges[1:-1], np.cumsum(counts), strict=False):
            assert (own < edge - _NEAR).sum() <= below <= (own < edge + _NEAR).sum()


def validated(done: Example) -> pd.DataFrame:
    """Return the manifest rows of known label that are validation's in some fold."""
    frame = manifest_of(done.behind.cohort)
    parts = frame[[name for name in frame if str(name).startswith("part.")]]
    return frame[(parts == "val").any(axis=1) & frame["label"].notna()]


@pytest.mark.parametrize("name", ["holdout", "folds", "ecg", "survival", "risk"])
def test_every_validation_record_of_known_label_is_counted_once(name: str, examples: Get) -> None:
    done = examples(name)
    found, rows = risks(done), validated(done)
    assert (found.records, found.patients) == (len(rows), rows["patient_id"].nunique())
    assert (sum(found.event), sum(found.no_event)) == (
        (rows["label"] == 1).sum(),
        (rows["label"] == 0).sum(),
    )


def test_of_one_split_they_are_the_bundles_own_answers(examples: Get) -> None:
    done = examples("holdout")
    assert len(members_of(done.behind.train, "holdout")) == 2
    rows = validated(done)
    answers = predictor(done).predict(rows.rename(columns=lambda c: str(c).removeprefix("tab.")))
    assert_same(risks(done), [a.probability for a in answers], rows["label"])


@pytest.mark.parametrize("name", ["survival", "risk"])
def test_of_other_kinds_they_are_of_the_view_that_probability_is_of(
    name: str, examples: Get
) -> None:
    done = examples(name)
    (member,) = members_of(done.behind.train, "holdout")
    val = pd.read_parquet(done.behind.train.folder / member.folder / "val_predictions.parquet")
    known = val[val["label"].notna()]
    own = predictor(done).calibrated(known["logit"].to_numpy(np.float64))
    assert_same(risks(done), own, known["label"])


def test_under_cross_validation_they_are_out_of_fold(examples: Get) -> None:
    done = examples("folds")
    train = done.behind.train
    each = pd.concat(
        [
            pd.read_parquet(train.folder / member.folder / "val_predictions.parquet")
            for fold in done.behind.cohort.facts["folds"]
            for member in members_of(train, fold)
        ]
    )
    val = each.groupby("sample_id").agg(label=("label", "first"), logit=("logit", "mean"))
    refit = predictor(done)
    assert_same(risks(done), refit.calibrated(val["logit"].to_numpy(np.float64)), val["label"])
    rows = validated(done).set_index("sample_id").loc[val.index]
    answers = refit.predict(rows.rename(columns=lambda c: str(c).removeprefix("tab.")))
    with pytest.raises(AssertionError):  # the refit has learned from them
        assert_same(risks(done), [a.probability for a in answers], rows["label"])


@pytest.mark.parametrize("name", ["ecg", "folds"])
def test_the_number_of_test_records_is_tagged(name: str, examples: Get) -> None:
    done = examples(name)
    cohort = done.behind.cohort
    frame = manifest_of(cohort)
    parts = frame[[f"part.{fold}" for fold in cohort.facts["folds"]]]
    tested = (parts == "test").any(axis=1) & (frame["label"].notna() | frame["censored"])
    figures = done.stage.facts["figures"]
    assert figures["test/records"] == tested.sum() >= done.predictions["sample_id"].nunique()
    assert figures["test/patients"] == frame.loc[tested, "patient_id"].nunique()
