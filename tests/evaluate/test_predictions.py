"""Predictions: of whom, on which scale, with thresholds from validation only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, roc_curve

from components.core.errors import InputError
from components.core.metrics import recalibrate, tables
from components.core.metrics.platt import PlattScaler
from components.core.trained import is_refit, members_of
from components.evaluate import predictions
from components.evaluate.predictions import calibrate, pooled_validation, validation
from tests.chain import manifest_of
from tests.evaluate.conftest import Example


def test_every_test_record_has_one_row_per_fold(examples: Callable[[str], Example]) -> None:
    for name in ("holdout", "folds", "ecg"):
        done = examples(name)
        frame = manifest_of(done.behind.cohort)
        for fold in done.behind.cohort.facts["folds"]:
            chosen = frame[f"part.{fold}"].eq("test") & frame["label"].notna()
            own = done.predictions[done.predictions["split"] == fold]
            assert sorted(own["sample_id"]) == sorted(frame.loc[chosen, "sample_id"])
            weight = frame.set_index("sample_id")[f"weight.{fold}"]
            assert own["weight"].tolist() == weight[own["sample_id"]].tolist()
    folds = examples("folds").predictions
    assert folds.groupby(["repeat", "patient_id"]).size().eq(1).all()
    assert sorted(folds["repeat"].unique()) == [0, 1]


def test_scales_fit_together(examples: Callable[[str], Example]) -> None:
    done = examples("holdout")
    frame = done.predictions
    seeds = frame[["logit.seed0", "logit.seed1"]]
    np.testing.assert_allclose(frame["logit"], seeds.mean(axis=1))
    assert (seeds["logit.seed0"] != seeds["logit.seed1"]).any()
    np.testing.assert_allclose(frame["probability"], 1 / (1 + np.exp(-frame["logit"])))
    np.testing.assert_allclose(frame["calibrated"], 1 / (1 + np.exp(-frame["calibrated_logit"])))
    val = validation(done.behind.train, "holdout")
    platt = PlattScaler.fit(val["logit"], val["label"])
    np.testing.assert_allclose(frame["calibrated"], platt.apply(frame["logit"]))


def test_the_threshold_is_that_of_validation(examples: Callable[[str], Example]) -> None:
    done = examples("holdout")
    val = validation(done.behind.train, "holdout")
    ids = manifest_of(done.behind.cohort).set_index("sample_id")["part.holdout"]
    assert set(ids[val["sample_id"]]) == {"val"}
    threshold = (done.predictions["logit"] - done.predictions["margin"]).unique()
    np.testing.assert_allclose(threshold, threshold[0])
    fpr, tpr, _ = roc_curve(val["label"], val["logit"])
    called = val["logit"] >= threshold[0] - 1e-9
    sensitivity = called[val["label"] == 1].mean()
    specificity = (~called[val["label"] == 0]).mean()
    assert sensitivity + specificity - 1 == pytest.approx((tpr - fpr).max())


def test_the_f1_threshold_is_the_best_of_all(examples: Callable[[str], Example]) -> None:
    val = validation(examples("holdout").behind.train, "holdout")
    found = calibrate(val, rule="f1", recalibrate="none")
    assert found.recalibrator.logit([-3.0, 7.0]).tolist() == [-3.0, 7.0]
    assert (found.patients, found.events) == (len(val), int(val["label"].sum()))
    best = max(f1_score(val["label"], val["logit"] >= t) for t in val["logit"])
    assert f1_score(val["label"], val["logit"] >= found.threshold - 1e-9) == pytest.approx(best)


@pytest.mark.parametrize("kind", ["temperature", "platt"])
def test_the_recalibration_asked_for_is_fitted_on_validation(
    kind: str, examples: Callable[[str], Example]
) -> None:
    val = validation(examples("holdout").behind.train, "holdout")
    found = calibrate(val, rule="youden", recalibrate=kind)
    assert found.recalibrator == recalibrate.fit(kind, val["logit"], val["label"], val["weight"])


def test_too_few_validation_events_for_a_curve_are_refused(
    examples: Callable[[str], Example],
) -> None:
    val = validation(examples("holdout").behind.train, "holdout")
    with pytest.raises(InputError, match=r"set evaluate\.recalibrate to platt"):
        calibrate(val, rule="youden", recalibrate="isotonic")


def test_several_recordings_are_averaged_before_anything_else() -> None:
    frame = pd.DataFrame(
        {
            "sample_id": list("abcdef"),
            "patient_id": ["p", "p", "q", "p", "p", "q"],
            "repeat": [0, 0, 0, 1, 1, 1],
            "fold": [0, 0, 1, 1, 1, 0],
            "label": [0, 1, 0, 0, 1, 0],
            "weight": [1.0, 3.0, 2.0, 1.0, 3.0, 4.0],
            "logit": [1.0, 3.0, -1.0, 5.0, 7.0, -3.0],
        }
    )
    each = tables.patient_table(frame, ["logit"])
    assert each[["repeat", "patient_id", "logit", "label", "weight"]].to_numpy().tolist() == [
        [0, "p", 2.0, 1, 2.0],
        [0, "q", -1.0, 0, 2.0],
        [1, "q", -3.0, 0, 4.0],
        [1, "p", 6.0, 1, 2.0],
    ]
    pooled = tables.pooled(each, ["logit"]).set_index("patient_id")
    assert pooled["logit"].to_dict() == {"p": 4.0, "q": -2.0}
    assert pooled["weight"].to_dict() == {"p": 2.0, "q": 3.0}
    assert pooled["label"].to_dict() == {"p": 1, "q": 0}


def test_positions() -> None:
    assert predictions.position("r2f4") == (2, 4)
    assert predictions.position("holdout") == (0, 0)


def test_pooled_validation_averages_a_record_over_folds(examples: Callable[[str], Example]) -> None:
    done = examples("folds")
    folds = done.behind.cohort.facts["folds"]
    every = pd.concat([validation(done.behind.train, fold) for fold in folds])
    found = pooled_validation(done.behind.train, folds).set_index("sample_id")
    name = every["sample_id"].mode()[0]
    assert len(every[every["sample_id"] == name]) > 1
    assert found.loc[name, "logit"] == pytest.approx(
        every.loc[every["sample_id"] == name, "logit"].mean()
    )
    assert not found.index.duplicated().any()


def test_members(examples: Callable[[str], Example]) -> None:
    assert [m.seed for m in members_of(examples("holdout").behind.train, "holdout")] == [0, 1]
    assert is_refit(examples("folds").behind.train)
    assert not is_refit(examples("holdout").behind.train)
    assert len(predictions.fold_list(examples("folds").behind.cohort)) == 4


def test_a_sigmoid_without_overflow() -> None:
    found = tables.sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    assert found.tolist() == [0.0, 0.5, 1.0]


def test_published_predictions_have_row_numbers_for_ids(examples: Callable[[str], Example]) -> None:
    for name in ("holdout", "ecg"):
        done = examples(name)
        shown = pd.read_parquet(done.stage.folder / "published" / "predictions.parquet")
        own, frame = done.predictions, manifest_of(done.behind.cohort)
        rows = frame.set_index("sample_id")["row"]
        assert shown["sample_id"].tolist() == [f"row-{rows[s]}" for s in own["sample_id"]]
        pairs = set(zip(own["patient_id"], shown["patient_id"], strict=True))
        assert len(pairs) == own["patient_id"].nunique() == shown["patient_id"].nunique()
        assert not set(frame["patient_id"]) & set(shown["patient_id"])
        rest = own.columns.difference(["sample_id", "patient_id"])
        pd.testing.assert_frame_equal(shown[rest], own[rest])
