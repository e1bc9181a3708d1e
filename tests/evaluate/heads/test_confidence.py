"""Confidence: planted knowledge of wrong answers is found, against simple scores; ECG quality."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from components.core.config.heads import BinaryHead, ConfidenceHead, HeadMap
from components.core.errors import CardioError
from components.core.metrics.resampling import Plan
from components.core.metrics.selective import aurc
from components.core.report.section import Section
from components.core.schemas import MANIFEST
from components.evaluate.analyses import confidence
from components.evaluate.heads.confidence import (
    check_probability,
    confidence_figures,
    judged,
    threshold_distance,
)
from components.evaluate.heads.quality import (
    head_figures,
    poor_recordings,
    quality_figures,
    quality_head,
)
from tests.evaluate.heads import planted

SETTINGS = ConfidenceHead(of="lvef")
FRAME = planted.table(patients=400)
PLAN = Plan(draws=100)


def manifest(**columns: object) -> pd.DataFrame:
    frame = FRAME[["sample_id", "patient_id"]].copy()
    return frame.assign(**columns)


def graded(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return a quality score and whether the recording is poor, as the score tells it."""
    rng = np.random.default_rng(seed)
    score = rng.random(len(FRAME))
    return score, rng.random(len(FRAME)) > score


def test_figures_are_those_of_the_functions_within_folds() -> None:
    found = confidence_figures(judged(FRAME, "confidence", SETTINGS), PLAN)
    wrong = 1 - FRAME["y.confidence"]
    parts = [rows for _, rows in FRAME.groupby("fold")]
    auroc = [roc_auc_score(wrong[rows.index], -rows["out.confidence.p"]) for rows in parts]
    assert found["head|wrong_auroc"].value == pytest.approx(np.mean(auroc))
    areas = [aurc(wrong[rows.index], (rows["out.lvef.p"] - 0.5).abs()) for rows in parts]
    assert found["half|aurc"].value == pytest.approx(np.mean(areas))
    assert found["wrong"].value == pytest.approx(wrong.mean())
    assert found["wrong"].lo <= found["wrong"].value <= found["wrong"].hi
    ratio = FRAME["y.confidence"].sum() / FRAME["out.confidence.p"].sum()
    assert found["observed_expected"].value == pytest.approx(ratio)
    gap = found["head|wrong_auroc"].value - found["half|wrong_auroc"].value
    assert found["half-head|wrong_auroc"].value == pytest.approx(gap)
    assert found["half-head|wrong_auroc"].lo > 0
    assert found["half-head|aurc"].hi < 0


def test_the_threshold_is_read_off_the_answers() -> None:
    distance = threshold_distance(FRAME, "confidence", "lvef")
    assert distance is not None
    np.testing.assert_allclose(distance, (FRAME["out.lvef.logit"] + 0.3).abs(), atol=0.02)


def test_a_threshold_that_cannot_be_read_is_left_out_and_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shaken = FRAME.assign(**{"y.confidence": rng.integers(0, 2, len(FRAME)).astype(float)})
    assert threshold_distance(shaken, "confidence", "lvef") is None
    assert threshold_distance(FRAME.drop(columns="y.lvef"), "confidence", "lvef") is None
    unknown = FRAME.assign(**{"y.lvef": FRAME["y.lvef"].mask(FRAME.index == 0)})
    assert threshold_distance(unknown, "confidence", "lvef") is None
    one_sided = FRAME.assign(**{"y.confidence": FRAME["y.lvef"]})
    assert threshold_distance(one_sided, "confidence", "lvef") is None
    section = analysed(tmp_path, shaken, manifest())
    assert any("The threshold cannot be read off the answers" in t for t in section.text)
    assert any("is not shown to tell wrong answers better" in n.text for n in section.notices)


def test_a_confidence_outside_0_and_1_is_a_fault() -> None:
    bad = judged(FRAME.assign(**{"out.confidence.p": 1.5}), "confidence", SETTINGS)
    with pytest.raises(CardioError, match=r"a confidence is 1.5, outside \[0, 1\], in 800 rows"):
        check_probability(bad)
    with pytest.raises(CardioError, match=r"lack the column\(s\) out.lvef.p"):
        judged(FRAME.drop(columns="out.lvef.p"), "confidence", SETTINGS)


def analysed(folder: Path, frame: pd.DataFrame, cohort: pd.DataFrame) -> Section:
    cohort.to_parquet(folder / MANIFEST)
    context = planted.context(folder, heads=frame)
    assert confidence.applies(context)
    return confidence.analyse(context)


def test_the_section_says_that_the_head_knows_more(tmp_path: Path) -> None:
    score, poor = graded()
    words = np.where(poor, "Unacceptable", "acceptable")
    section = analysed(tmp_path, FRAME, manifest(quality=score, **{"target.quality": words}))
    assert sum("tells wrong answers better than" in t for t in section.text) == 2
    assert any("against people's annotations" in t and "AUROC 0.8" in t for t in section.text)
    assert [table.caption for table in section.tables] == [
        "Telling wrong answers from right ones", "Accuracy of the answers given",
        "Can the confidence be taken at its word?",
    ]  # fmt: skip
    for table in section.tables:
        assert all(len(row) == len(table.header) for row in table.rows)
    assert section.notices == ()
    assert {
        "head/confidence/wrong_auroc", "head/confidence/wrong_auroc_minus_half",
        "head/confidence/aurc", "head/confidence/accuracy_at_coverage_80",
        "head/confidence/observed_expected", "head/confidence/quality_auroc_annotations",
    } <= set(section.figures)  # fmt: skip
    (plot,) = section.plots
    assert "AURC" in plot.svg
    assert plot.name == "confidence_confidence"


def test_a_worse_head_is_called_worse(tmp_path: Path) -> None:
    turned = FRAME.assign(**{"out.confidence.p": 1 - FRAME["out.confidence.p"]})
    section = analysed(tmp_path, turned, manifest())
    assert sum("tells wrong answers worse than" in t for t in section.text) == 2
    assert any("no tested recording has an answer and anything" in t for t in section.text)


def test_few_wrong_answers_are_underpowered_and_not_ranked(tmp_path: Path) -> None:
    wrong = FRAME.index[FRAME["y.confidence"] == 0]
    right = FRAME["y.confidence"].mask(FRAME.index.isin(wrong[8:]), 1.0)
    section = analysed(tmp_path, FRAME.assign(**{"y.confidence": right}), manifest())
    assert any(t.startswith("Underpowered: fewer than 20 patients") for t in section.text)
    assert section.notices == ()


def test_without_annotations_flags_stand_in_and_the_section_says_so(tmp_path: Path) -> None:
    score, poor = graded()
    cohort = manifest(quality=score, flag_noisy=poor, flag_paced=~poor)
    section = analysed(tmp_path, FRAME, cohort)
    assert any("against quality flags, since nobody annotated the recordings" in t
               for t in section.text)  # fmt: skip
    assert "head/confidence/quality_auroc_flags" in section.figures


def test_quality_is_scikit_learns_auroc_of_the_tested() -> None:
    score, poor = graded()
    cohort = manifest(quality=score, **{"target.quality": np.where(poor, 0.2, 0.9)})
    tested = cohort["sample_id"].iloc[:300]
    found = quality_figures(cohort, tested, PLAN)
    assert found is not None
    assert found.auroc is not None
    assert (found.against, found.records, found.left_out) == ("annotations", 300, 0)
    assert found.auroc.value == pytest.approx(roc_auc_score(poor[:300], -score[:300]))
    assert found.powered


def test_what_is_no_annotation_counts_as_none() -> None:
    rows = pd.DataFrame({"target.quality": ["unacceptable", " ACCEPTABLE", "indeterminate", None]})
    against, poor = poor_recordings(rows)
    assert against == "annotations"
    assert poor.tolist()[:2] == [1.0, 0.0]
    assert poor.isna().tolist() == [False, False, True, True]
    strange = pd.DataFrame({"target.quality": ["D", "E"], "flag_flat": [True, None]})
    against, poor = poor_recordings(strange)
    assert against == "flags"
    assert poor.isna().tolist() == [False, True]


def test_quality_without_a_score_or_with_one_kind(tmp_path: Path) -> None:
    tested = FRAME["sample_id"]
    assert quality_figures(manifest(), tested, PLAN) is None
    assert quality_figures(manifest(quality=0.5), tested, PLAN) is None
    cohort = manifest(quality=0.5, flag_flat=False)
    found = quality_figures(cohort, tested, PLAN)
    assert found is not None
    assert found.auroc is None
    assert not found.powered
    section = analysed(tmp_path, FRAME, cohort)
    assert any("so no AUROC can be given" in t for t in section.text)


def test_it_applies_where_correctness_is_known() -> None:
    assert not confidence.applies(planted.context())
    assert not confidence.applies(planted.context(heads=FRAME.assign(**{"y.confidence": np.nan})))


QUALITY_HEADS: HeadMap = {
    "readable": BinaryHead(target="quality", positive=("unacceptable",)),
    **planted.HEADS,
}


def with_quality(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table with a quality head, and a manifest whose rule knows a little less."""
    rng = np.random.default_rng(seed)
    poor = (rng.random(len(FRAME)) < 0.2).astype(float)
    logit = 2 * poor + rng.normal(size=len(FRAME))
    frame = FRAME.assign(**{"y.readable": poor, "out.readable.logit": logit})
    frame.loc[:9, "y.readable"] = np.nan
    score = 1 / (1 + np.exp(poor + rng.normal(size=len(FRAME))))
    return frame, manifest(quality=score)


def test_the_head_that_learns_quality_is_found() -> None:
    assert quality_head(QUALITY_HEADS) == "readable"
    assert quality_head({"quality": BinaryHead()}) == "quality"
    assert quality_head(planted.HEADS) == ""


def test_a_quality_head_is_judged_in_place_of_the_score(tmp_path: Path) -> None:
    frame, cohort = with_quality()
    found = head_figures(cohort, frame, "readable", PLAN)
    assert found is not None
    assert found.auroc is not None
    assert found.score is not None
    assert found.gain is not None
    known = frame[frame["y.readable"].notna()]
    rule = cohort.set_index("sample_id")["quality"].loc[known["sample_id"]].to_numpy()
    own, beside = [], []
    for _, part in known.assign(rule=rule).groupby("fold"):
        own.append(roc_auc_score(part["y.readable"], part["out.readable.logit"]))
        beside.append(roc_auc_score(part["y.readable"], -part["rule"]))
    assert found.auroc.value == pytest.approx(np.mean(own))
    assert found.score.value == pytest.approx(np.mean(beside))
    assert found.gain.value == pytest.approx(np.mean(own) - np.mean(beside))
    assert found.gain.lo > 0
    assert (found.records, found.left_out) == (len(known), 10)
    cohort.to_parquet(tmp_path / MANIFEST)
    context = planted.context(tmp_path, heads=frame, all_heads=QUALITY_HEADS)
    section = confidence.analyse(context)
    assert any("ECG quality, head 'readable' against people's" in text for text in section.text)
    assert any("which needs no training, reaches" in text for text in section.text)
    assert "head/confidence/quality_auroc_minus_score" in section.figures


def test_a_quality_head_without_a_rule_beside_it_or_without_truth() -> None:
    frame, cohort = with_quality()
    alone = head_figures(manifest(), frame, "readable", PLAN)
    assert alone is not None
    assert alone.auroc is not None
    assert alone.gain is None
    few = cohort.assign(quality=cohort["quality"].where(frame["y.readable"] == 1))
    one_kind = head_figures(few, frame, "readable", PLAN)
    assert one_kind is not None
    assert one_kind.gain is None
    fine = head_figures(cohort, frame.assign(**{"y.readable": 0.0}), "readable", PLAN)
    assert fine is not None
    assert fine.auroc is None
    assert head_figures(cohort, frame.assign(**{"y.readable": np.nan}), "readable", PLAN) is None
