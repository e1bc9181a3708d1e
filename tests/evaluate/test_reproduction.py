"""The written bundle gives the reported predictions, or the evaluation stops."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.core.bundle_seal import seal
from components.core.data.cohort import rows_of
from components.core.device import resolve
from components.core.errors import CardioError, InputError
from components.core.reproduction import REPRODUCTION, Stored, deviation, opened
from components.evaluate.predictions import FoldTest, calibrate, pooled_validation
from components.evaluate.reproduction import TOLERANCE, bundle_deviation
from tests.evaluate.conftest import Example

Get = Callable[[str], Example]
PLACE = resolve("cpu", "fp32")


def fold_test(done: Example) -> FoldTest:
    cohort = done.behind.cohort
    fold = cohort.facts["folds"][0]
    frame = done.predictions[done.predictions["split"] == fold].reset_index(drop=True)
    val = pooled_validation(done.behind.train, cohort.facts["folds"])
    return FoldTest(
        fold=fold,
        rows=rows_of(cohort, fold, "test"),
        frame=frame,
        calibration=calibrate(val, rule="youden", recalibrate="platt"),
    )


@pytest.mark.parametrize("name", ["holdout", "folds", "ecg"])
def test_every_kind_of_bundle_reproduces_itself(examples: Get, name: str) -> None:
    done = examples(name)
    found = done.stage.facts["figures"]["bundle_deviation"]
    assert 0 <= found <= TOLERANCE
    folder = done.stage.folder / "bundle"
    again = bundle_deviation(folder, done.behind, fold_test(done), PLACE)
    assert again == pytest.approx(found, abs=1e-9)


@pytest.mark.parametrize("name", ["holdout", "folds", "ecg"])
def test_what_was_reported_is_kept_for_whoever_asks_the_bundle_again(
    examples: Get, name: str
) -> None:
    done = examples(name)
    cohort, bundle = done.behind.cohort, done.stage.folder / "bundle"
    kept = pd.read_parquet(done.stage.folder / REPRODUCTION)
    assert len(kept) == 16
    stored, asked = Stored(cohort, done.behind.ingest), opened(bundle, cohort)
    rows = stored.rows(kept["sample_id"].tolist())
    expected = kept["probability"].to_numpy()
    assert deviation(asked, stored, rows, expected) <= TOLERANCE
    assert deviation(asked, stored, rows[::-1], expected) > 100 * TOLERANCE
    own = done.predictions.drop_duplicates("sample_id").set_index("sample_id")["logit"]
    reported = own[kept["sample_id"]].to_numpy()
    # Under cross-validation the bundle holds the refit, whose answers are no fold's.
    assert np.allclose(reported, kept["logit"]) is (name != "folds")


def test_a_record_that_the_cohort_lacks_is_counted(examples: Get) -> None:
    behind = examples("holdout").behind
    stored = Stored(behind.cohort, behind.ingest)
    with pytest.raises(InputError, match="1 of 2 records that were reported are not in the cohor"):
        stored.rows([examples("holdout").predictions["sample_id"][0], "nobody"])


def test_other_weights_are_found_out(examples: Get, tmp_path: Path) -> None:
    done = examples("holdout")
    folder = tmp_path / "bundle"
    shutil.copytree(done.stage.folder / "bundle", folder)
    shutil.copyfile(
        folder / "member1" / "weights.safetensors", folder / "member0" / "weights.safetensors"
    )
    seal(folder)
    with pytest.raises(CardioError, match=r"differ from the reported ones by up to .* on 16 test"):
        bundle_deviation(folder, done.behind, fold_test(done), PLACE)


def test_a_record_that_the_bundle_refuses_is_a_fault(examples: Get, tmp_path: Path) -> None:
    done = examples("ecg")
    folder = tmp_path / "bundle"
    shutil.copytree(done.stage.folder / "bundle", folder)
    facts = json.loads((folder / "bundle.json").read_text())
    facts["ecg"]["min_duration_s"] = 99.0
    (folder / "bundle.json").write_text(json.dumps(facts))
    seal(folder)
    with pytest.raises(CardioError, match="cannot answer 4 of 4 test records"):
        bundle_deviation(folder, done.behind, fold_test(done), PLACE, records=4)


def test_a_shifted_prediction_is_found_out(examples: Get) -> None:
    done = examples("ecg")
    test = fold_test(done)
    shifted = replace(test, frame=test.frame.assign(logit=test.frame["logit"] + 1e-3))
    with pytest.raises(CardioError, match="do not register this model"):
        bundle_deviation(done.stage.folder / "bundle", done.behind, shifted, PLACE)
