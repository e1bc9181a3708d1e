"""Figures against scikit-learn, the oracle, the bundle, and what is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from components.core.bundle import Predictor
from components.core.data.held_out import Opening, read_test
from components.core.errors import RefusedError
from components.core.metrics.delong import delong
from components.core.metrics.interval import number
from components.evaluate.tracking import PREDICTIONS
from tests.chain import manifest_of
from tests.evaluate.conftest import Example

Get = Callable[[str], Example]
RANKING = {"auroc": sk.roc_auc_score, "auprc": sk.average_precision_score}


def figures(done: Example) -> dict[str, float]:
    return done.stage.facts["figures"]


def test_holdout_figures_are_scikit_learns(examples: Get) -> None:
    done = examples("holdout")
    frame, found = done.predictions, figures(done)
    y, logit, called = frame["label"].astype(int), frame["logit"], frame["margin"] >= 0
    expected = {
        "auroc": sk.roc_auc_score(y, logit),
        "auprc": sk.average_precision_score(y, logit),
        "brier": sk.brier_score_loss(y, frame["calibrated"]),
        "sensitivity": sk.recall_score(y, called),
        "specificity": sk.recall_score(1 - y, ~called),
        "ppv": sk.precision_score(y, called),
        "npv": sk.precision_score(1 - y, ~called),
        "f1": sk.f1_score(y, called),
        "accuracy": sk.accuracy_score(y, called),
        "prevalence": y.mean(),
        "patients": len(frame),
        "events": y.sum(),
    }
    assert {k: found[f"test/{k}"] for k in expected} == pytest.approx(expected)
    for name in RANKING:
        assert found[f"test/{name}_lo"] < found[f"test/{name}"] < found[f"test/{name}_hi"]


def test_weighted_figures_are_scikit_learns(examples: Get) -> None:
    done = examples("ecg")
    table = done.predictions.groupby("patient_id").agg(
        label=("label", "max"), logit=("logit", "mean"), weight=("weight", "mean")
    )
    assert table["weight"].max() > 1  # someone was censored
    assert len(table) < len(done.predictions)  # someone has several recordings
    for name, function in RANKING.items():
        expected = function(
            table["label"].astype(int), table["logit"], sample_weight=table["weight"]
        )
        assert figures(done)[f"test/{name}"] == pytest.approx(expected)


def test_baselines_stand_beside_with_the_paired_difference(examples: Get) -> None:
    done = examples("holdout")
    y = done.predictions["label"].astype(int)
    for name in done.task.evaluate.baselines:
        own = sk.roc_auc_score(y, done.predictions[f"logit.{name}"])
        found = figures(done)
        assert found[f"baseline/{name}/auroc"] == pytest.approx(own)
        assert found[f"baseline/{name}/auroc_diff"] == pytest.approx(found["test/auroc"] - own)
        assert f"baseline/{name}/auroc_diff_lo" in found


def test_delongs_test_stands_beside_where_it_may(examples: Get) -> None:
    done = examples("holdout")
    page = (done.stage.folder / "report.html").read_text(encoding="utf-8")
    frame = done.predictions
    for name in done.task.evaluate.baselines:
        pair = frame["logit"], frame[f"logit.{name}"]
        test = delong(frame["label"], pair, frame["patient_id"])
        assert figures(done)[f"baseline/{name}/auroc_diff_delong_p"] == pytest.approx(test.p)
        assert test.text() in page


@pytest.mark.parametrize(
    ("name", "reason"),
    [("folds", "here each fold has its own"), ("ecg", "patients are censored here")],
)
def test_where_delongs_test_is_not_given_the_report_says_why(
    name: str, reason: str, examples: Get
) -> None:
    done = examples(name)
    assert reason in (done.stage.folder / "report.html").read_text(encoding="utf-8")
    assert not [key for key in figures(done) if key.endswith("delong_p")]


def test_cross_validated_headline_is_the_mean_of_within_fold_figures(examples: Get) -> None:
    done = examples("folds")
    frame = done.predictions.astype({"label": int})
    for name, function in RANKING.items():
        within = [function(f["label"], f["logit"]) for _, f in frame.groupby("split")]
        assert figures(done)[f"test/{name}_within_fold"] == pytest.approx(np.mean(within))
        pooled = frame.groupby("patient_id").agg(label=("label", "max"), logit=("logit", "mean"))
        assert figures(done)[f"test/{name}"] == pytest.approx(
            function(pooled["label"], pooled["logit"])
        )
    assert figures(done)["test/patients"] == 240


def test_seeds_are_reported_one_by_one(examples: Get) -> None:
    done = examples("holdout")
    y = done.predictions["label"].astype(int)
    own = [sk.roc_auc_score(y, done.predictions[f"logit.seed{i}"]) for i in (0, 1)]
    found = figures(done)
    assert [found["test/auroc_seed0"], found["test/auroc_seed1"]] == pytest.approx(own)
    assert found["test/auroc_seed_mean"] == pytest.approx(np.mean(own))
    assert "test/auroc_seed0" not in figures(examples("folds"))


def test_the_share_of_the_oracle(examples: Get) -> None:
    done = examples("ecg")
    truth = pd.read_parquet(done.behind.ingest.folder / "truth" / "truth.parquet")
    chance = truth.groupby("patient_id")["p_ecg_tabular"].mean()
    table = done.predictions.groupby("patient_id").agg(
        label=("label", "max"), logit=("logit", "mean"), weight=("weight", "mean")
    )
    weight = table["weight"]
    oracle = sk.roc_auc_score(table["label"].astype(int), chance[table.index], sample_weight=weight)
    found = figures(done)
    assert found["test/oracle_auroc"] == pytest.approx(oracle)
    share = (found["test/auroc"] - 0.5) / (oracle - 0.5)
    assert found["test/oracle_share"] == pytest.approx(share)
    assert "test/oracle_auroc" not in figures(examples("holdout"))


def _inputs(done: Example, wanted: pd.DataFrame) -> pd.DataFrame:
    """Return the raw rows of a synthetic cohort as a client would send them."""
    (folder,) = (done.stage.folder.parents[1] / "synthetic").iterdir()
    raw = pd.read_csv(folder / "manifest.csv").set_index("recording_id")
    raw = raw.loc[wanted["sample_id"]]
    files = [str(folder / name) for name in raw["path"]]
    return raw.assign(ecg_path=files).drop(columns=["path", "label"]).reset_index()


def test_the_bundle_gives_the_logged_predictions_from_the_raw_files(examples: Get) -> None:
    done = examples("ecg")
    frame = done.predictions
    answers = Predictor(done.stage.folder / "bundle").predict(_inputs(done, frame))
    assert [a.error for a in answers] == [""] * len(frame)
    np.testing.assert_allclose([a.logit for a in answers], frame["logit"], atol=1e-5)
    given = [i for i, each in enumerate(answers) if not each.abstain]
    assert len(given) >= 0.9 * len(answers)  # 2 % by rate, and planted reversals
    found = [answers[i].probability for i in given]
    np.testing.assert_allclose(found, frame["calibrated"].iloc[given], atol=1e-5)


@pytest.mark.parametrize("name", ["holdout", "folds"])
def test_a_tabular_bundle_answers_alike(examples: Get, name: str) -> None:
    done = examples(name)
    predictor = Predictor(done.stage.folder / "bundle")
    frame = manifest_of(done.behind.cohort).set_index("sample_id")
    rows = frame.loc[done.predictions["sample_id"].unique()]
    answers = predictor.predict(rows.rename(columns=lambda c: str(c).removeprefix("tab.")))
    found = pd.Series([a.logit for a in answers], index=rows.index)
    assert predictor.facts.members == (
        ("member0", "member1") if name == "holdout" else ("member0",)
    )
    if name == "holdout":
        expected = done.predictions.set_index("sample_id")["logit"]
        np.testing.assert_allclose(found[expected.index], expected, atol=1e-5)
    else:  # the refit has seen them all: it is its own model, close to the folds' in ranking
        label = rows["label"].astype(int)
        assert sk.roc_auc_score(label, found) > 0.75
    assert predictor.facts.version == done.stage.fingerprint
    assert predictor.facts.cohort["patients_labelled"] == 240


@pytest.mark.parametrize("name", ["holdout", "folds", "ecg"])
def test_report_and_card_show_the_figures(examples: Get, name: str) -> None:
    done = examples(name)
    report = (done.stage.folder / "report.html").read_text()
    card = (done.stage.folder / "model_card.md").read_text()
    kept: dict[str, dict[str, Any]] = json.loads(
        (done.stage.folder / "metrics_test.json").read_text()
    )
    own = kept["auroc_within_fold" if name == "folds" else "auroc"]
    shown = f"{own['value']:.3f} ({own['lo']:.3f} to {own['hi']:.3f})"
    assert shown in report
    assert shown in card
    assert done.behind.train.fingerprint in report
    assert done.run_id in report
    assert done.stage.facts["headline"][0].split(",")[0].split(":")[0] in report
    assert {p.name for p in (done.stage.folder / "plots").iterdir()} >= {
        "roc.svg", "pr.svg", "calibration.svg", "comparison.svg", "decision_curve.svg",
    }  # fmt: skip
    benefit = kept["net_benefit/10"]
    assert benefit["lo"] - 1e-9 <= benefit["value"] <= benefit["hi"] + 1e-9
    assert f"<td>{number(benefit['value'])} (" in report
    assert ("Synthetic" in report) == (name == "ecg")


def test_facts_for_the_runs(examples: Get) -> None:
    done = examples("holdout")
    facts = done.stage.facts
    assert facts["tags"]["audit"] == "passed"
    assert facts["tags"]["promotable"] == "yes"
    assert facts["tags"]["test_split"] == done.behind.cohort.facts["test_split_sha256"]
    assert all((done.stage.folder / name).is_file() for name in facts["published"])
    assert PREDICTIONS in facts["published"]
    val = json.loads((done.stage.folder / "metrics_val.json").read_text())
    assert facts["figures"]["val/auroc"] == val["auroc"]["value"]


def test_the_number_of_openings_is_told(examples: Get) -> None:
    assert (
        "This test split has been opened 1 time(s), this time included"
        in (examples("folds").stage.folder / "report.html").read_text()
    )


def test_an_opening_that_was_not_recorded_opens_nothing(examples: Get, workspace: Any) -> None:
    cohort = examples("holdout").behind.cohort
    other = Opening("0" * 64, "run", 1)
    with pytest.raises(RefusedError, match="recorded for another test split"):
        read_test(cohort, "holdout", other)
