"""What all heads say of the test records, and what networks without something say beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from components.core.bundle import Predictor
from components.core.data.held_out import Opening
from components.core.schemas import MANIFEST
from components.core.trained import members_of
from components.evaluate import run
from components.evaluate.heads.calibrated import calibrations, threshold_of
from components.evaluate.heads.said import heads_frame
from components.evaluate.heads.trained import variants_frame
from tests.evaluate.conftest import Example, context_of
from tests.head_cohort import HEADS


@pytest.fixture
def done(examples: Callable[[str], Example]) -> Example:
    return examples("several")


@pytest.fixture
def opening(done: Example, monkeypatch: pytest.MonkeyPatch) -> Opening:
    split = str(done.behind.cohort.facts["test_split_sha256"])
    monkeypatch.setattr("components.core.data.held_out.run_tag", lambda run_id, tag: split)
    return Opening(split, done.run_id, 1)


@pytest.fixture
def said(done: Example, opening: Opening) -> pd.DataFrame:
    tests = context_of(done).tests
    return heads_frame(done.behind, done.task, tests, opening, run._place(done.behind))


def test_every_test_record_is_there_whatever_is_known_of_it(
    said: pd.DataFrame, done: Example
) -> None:
    frame = pd.read_parquet(done.behind.cohort.folder / MANIFEST)
    tested = frame[frame["part.holdout"] == "test"]
    assert sorted(said["sample_id"]) == sorted(tested["sample_id"])
    assert said["y.lvef"].isna().sum() == tested["y.lvef"].isna().sum() > 0


def test_each_head_says_what_its_kind_says(said: pd.DataFrame) -> None:
    found = {c for c in said if c.startswith("out.")}
    days = ("30", "180", "365")
    assert found == {
        "out.lvef.p", "out.lvef.logit", "out.sure.p", "out.sure.logit",
        *(f"out.survival.{d}" for d in days), *(f"out.survival.death.{d}" for d in days),
        "out.risk.low", "out.risk.mid", "out.risk.high",
    }  # fmt: skip
    curves = said[[f"out.survival.{d}" for d in days]].to_numpy()
    assert (np.diff(curves, axis=1) >= 0).all()
    shares = said[["out.risk.low", "out.risk.mid", "out.risk.high"]].sum(axis=1)
    np.testing.assert_allclose(shares, 1, atol=1e-6)


def test_the_heads_learned_what_was_planted(said: pd.DataFrame) -> None:
    known = said[said["y.lvef"].notna()]
    assert roc_auc_score(known["y.lvef"], known["out.lvef.p"]) > 0.75
    risk = said[said["y.risk"].notna()]
    assert roc_auc_score(risk["y.risk"] == 2, risk["out.risk.high"]) > 0.8
    timed = said[said["y.survival"].notna()]
    assert roc_auc_score(timed["y.survival"], timed["out.survival.365"]) > 0.65


def test_the_primary_heads_probability_is_the_reported_one(
    said: pd.DataFrame, done: Example
) -> None:
    reported = done.predictions.set_index("sample_id")["calibrated"]
    own = said.set_index("sample_id").loc[reported.index, "out.lvef.p"]
    np.testing.assert_allclose(own, reported, atol=1e-6)


def test_an_answer_is_right_where_the_call_at_the_threshold_is(
    said: pd.DataFrame, done: Example
) -> None:
    threshold = threshold_of(done.behind.train, ["holdout"], "lvef", "youden")
    logits = done.predictions.set_index("sample_id")["logit"]
    own = said.set_index("sample_id")
    expected = (logits >= threshold) == (own.loc[logits.index, "y.lvef"] == 1)
    assert (own.loc[logits.index, "y.sure"] == expected).all()
    assert own.loc[own["y.lvef"].isna(), "y.sure"].isna().all()


def test_the_operating_point_is_the_reports_own(done: Example) -> None:
    from components.evaluate.predictions import calibrate, validation

    val = validation(done.behind.train, "holdout")
    found = []
    for rule in ("youden", "f1"):
        expected = calibrate(val, rule=rule, recalibrate="none").threshold
        found.append(threshold_of(done.behind.train, ["holdout"], "lvef", rule))
        assert found[-1] == expected
    assert found[0] != found[1]


def test_only_classes_are_calibrated_by_their_shares(done: Example) -> None:
    train = done.behind.train
    found = calibrations(train, ["holdout"], members_of(train, "holdout"), "platt")
    assert [found[name].get("kind", "none") for name in HEADS] == [
        "platt", "none", "shares", "platt",
    ]  # fmt: skip


def test_variants_are_compared_on_the_same_records(done: Example, opening: Opening) -> None:
    tests = context_of(done).tests
    found = variants_frame(done.behind, tests, opening, run._place(done.behind))
    assert found is not None
    assert set(found["variant"]) == {
        "whole", "without:text", "alone:lvef", "alone:survival", "alone:risk",
    }  # fmt: skip
    whole = found[(found["variant"] == "whole") & (found["head"] == "risk")]
    alone = found[found["variant"] == "alone:risk"]
    assert whole["sample_id"].tolist() == alone["sample_id"].tolist()
    assert set(alone["label"]) == {0, 1}


def test_the_report_has_a_section_of_each_head(done: Example) -> None:
    page = (done.stage.folder / "report.html").read_text()
    for heading in ("survival head", "right category", "know when it is wrong", "each head",
                    "Which inputs"):  # fmt: skip
        assert heading in page
    assert "Who has the event earlier" not in page  # the label is measured, not followed
    figures = done.stage.facts["figures"]
    assert figures["bundle_deviation"] < 1e-5
    assert any(name.startswith("test/ablation/without_text/") for name in figures)


def test_the_bundle_says_what_the_evaluation_said(said: pd.DataFrame, done: Example) -> None:
    predictor = Predictor(done.stage.folder / "bundle")
    frame = pd.read_parquet(done.behind.cohort.folder / MANIFEST).set_index("sample_id")
    for row in said.head(5).to_dict("records"):
        cells = frame.loc[row["sample_id"]]
        fields = {"x": cells["tab.x"], "noise": cells["tab.noise"]}
        answer = predictor.answer({**fields, "clinical_notes": cells["text.note"]})
        assert not answer.error
        for name in HEADS:
            for key, value in answer.heads[name].items():
                assert value == pytest.approx(row[f"out.{name}.{key}"], abs=1e-5)


def test_the_sizes_are_those_of_this_label(said: pd.DataFrame, done: Example) -> None:
    page = (done.stage.folder / "report.html").read_text()
    known = said[said["y.lvef"].notna()]
    row = re.search(r"test \(evaluated\)</\w+>\s*<td[^>]*>(\d+)</td>", page)
    assert row
    assert int(row[1]) == len(known) < len(said)


def test_the_bundle_lists_its_heads(done: Example) -> None:
    facts = json.loads((done.stage.folder / "bundle" / "bundle.json").read_text())
    assert set(facts["heads"]) == set(HEADS)
    assert facts["notes"]
    assert list(facts["thresholds"]) == ["lvef"]
