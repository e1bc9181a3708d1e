"""The view of times to event: who counts, what is compared, what is said where something lacks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.core.data.cohort import read_part
from components.core.metrics.concordance import harrell_c, uno_c
from components.core.metrics.incidence import cumulative_incidence
from components.core.metrics.resampling import Plan
from components.core.metrics.time_auc import time_auc
from components.evaluate import follow_up as module
from components.evaluate.analyses import survival_view
from components.evaluate.baselines import Features
from components.evaluate.follow_up_table import FollowUp
from components.evaluate.report.incidence import Group
from components.evaluate.survival_figures import survival_figures
from tests.chain import (
    manifest_of,
)
from tests.evaluate.timed import Timed


def test_everyone_counts_the_censored_too(timed: Timed) -> None:
    manifest = manifest_of(timed.cohort)
    assert manifest["label"].isna().sum() > 50  # censored within the year: no binary label
    pooled = timed.found.pooled.set_index("patient_id")
    assert len(pooled) == len(manifest) == 320
    expected = manifest.set_index("patient_id").loc[pooled.index]
    assert pooled["time_days"].tolist() == expected["time_days"].tolist()
    assert pooled["event_code"].tolist() == expected["event_code"].tolist()
    assert set(pooled["event_code"]) == {0, 1, 2}
    assert len(timed.found.each) == 2 * 320
    assert timed.found.missing == {}
    assert "All 320 patients with known follow-up count" in timed.section.text[0]


def test_a_labelled_patient_has_the_logit_of_the_predictions(timed: Timed) -> None:
    known = timed.context.tables.pooled.set_index("patient_id")["logit"]
    ours = timed.found.pooled.set_index("patient_id")["network"]
    assert len(known) < len(ours)
    np.testing.assert_allclose(ours[known.index], known, atol=1e-6)


def test_figures_are_those_of_the_functions(timed: Timed) -> None:
    frame, figures = timed.found.pooled, timed.section.figures
    time, code = frame["time_days"].to_numpy(), frame["event_code"].to_numpy()
    score = frame["network"].to_numpy()
    assert figures["harrell_c"].value == pytest.approx(harrell_c(time, code, score))
    assert figures["uno_c"].value == pytest.approx(uno_c(time, code, score, tau=365.0))
    auc = time_auc(time, code, score, [180.0, 365.0])
    assert [figures[f"time_auc/{d}"].value for d in (180, 365)] == pytest.approx(auc)
    own = cumulative_incidence(time, code, 180.0)
    assert figures["cumulative_incidence/180"].value == own.value
    for name, each in figures.items():
        assert each.lo <= each.value <= each.hi, name


def test_within_folds_figures_are_means_of_folds(timed: Timed) -> None:
    values = [
        harrell_c(fold["time_days"], fold["event_code"], fold["cox"])
        for _, fold in timed.found.each.groupby(["repeat", "fold"])
    ]
    figures = timed.section.figures
    assert figures["baseline/cox/harrell_c"].value == pytest.approx(np.mean(values))
    gap = figures["harrell_c_within_fold"].value - np.mean(values)
    assert figures["baseline/cox/harrell_c_diff"].value == pytest.approx(gap)


def test_cox_finds_the_planted_risk_and_its_risks_beat_the_same_for_all(timed: Timed) -> None:
    figures = survival_figures(timed.found, timed.context.plan)
    assert figures.within["cox:harrell_c"].value > 0.7
    for day in (180, 365):
        own = figures.pooled[f"cox:survival_brier@{day}"].value
        assert own < figures.pooled[f"constant:survival_brier@{day}"].value
    whole = [figures.pooled[f"{who}:integrated_brier"].value for who in ("cox", "constant")]
    assert whole[0] < whole[1]


def test_risks_agree_with_what_was_observed(timed: Timed) -> None:
    frame = timed.found.pooled
    for who in ("network", "cox"):
        risk = frame[f"{who}@365"]
        assert ((risk >= 0) & (risk <= 1)).all()
        assert (risk >= frame[f"{who}@180"]).all()
        seen = cumulative_incidence(frame["time_days"], frame["event_code"], 365.0)
        assert risk.mean() == pytest.approx(seen.value, abs=0.08)


def test_test_patients_teach_the_cox_model_nothing(timed: Timed) -> None:
    fold = timed.context.tests[0].fold
    tested = set(manifest_of(timed.cohort).query(f"`part.{fold}` == 'test'")["patient_id"])
    each = timed.found.each
    assert set(each[(each["repeat"] == 0) & (each["fold"] == 0)]["patient_id"]) == tested


def test_a_test_part_without_gaps_is_not_predicted_again(timed: Timed) -> None:
    (test, *_), cohort = timed.context.tests, timed.cohort
    seen = [read_part(cohort, test.fold, part) for part in ("train", "val")]
    fold = module._Fold(test=test, rows=test.rows, seen=seen)
    missing: dict[str, str] = {}
    found = module._scored(timed.context, fold, np.empty(0), Features(500.0), missing)
    known = test.frame.set_index("patient_id")["logit"]
    assert found.set_index("patient_id")["network"].to_dict() == known.to_dict()
    assert missing == {}
    assert "cox" in found
    assert not any("@" in str(column) for column in found)


def test_a_third_that_was_not_followed_so_far_has_no_incidence(timed: Timed) -> None:
    short = Group(name="short", time=np.array([30.0, 40.0]), code=np.array([1.0, 0.0]))
    (row,) = survival_view._by_risk(timed.found, [short]).rows
    assert row == ("short", "2", "1 (underpowered)", "—")


def test_horizons_without_follow_up_are_named_and_left_out(timed: Timed) -> None:
    assert timed.found.horizons == (180.0, 365.0)  # the label's own is added
    assert timed.found.left_out == (9999.0,)
    assert any("fewer than 20 patients were followed so far: day 9999" in t
               for t in timed.section.text)  # fmt: skip


def test_the_section_shows_tables_and_picture(timed: Timed) -> None:
    names = [each.caption for each in timed.section.tables]
    assert names == [
        "Concordance", "Discrimination at horizons", "Brier score of the risk at horizons",
        "Incidence by predicted risk",
    ]  # fmt: skip
    for each in timed.section.tables:
        assert all(len(row) == len(each.header) for row in each.rows)
    thirds = timed.section.tables[3].rows
    assert [row[0] for row in thirds] == ["lowest third", "middle third", "highest third"]
    assert sum(int(row[1]) for row in thirds) == 320
    observed = [float(row[3].split(" ")[0]) for row in thirds]
    assert observed == sorted(observed)
    assert [row[0] for row in timed.section.tables[0].rows][2] == "Harrell's C, pooled"
    assert timed.section.plots[0].svg.startswith("<?xml")


def without_cox(found: FollowUp) -> FollowUp:
    gone = [c for c in found.pooled if str(c).startswith("cox")]
    return replace(
        found,
        each=found.each.drop(columns=gone),
        pooled=found.pooled.drop(columns=gone),
        missing={"cox": "too few", "cox@": "too few"},
        left_out=(),
        untimed=3,
    )


def test_without_a_cox_model_the_network_stands_alone(
    timed: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = without_cox(timed.found)
    monkeypatch.setattr(survival_view, "follow_up", lambda context: bare)
    section = survival_view.analyse(timed.context)
    assert not any("cox" in name for name in section.figures)
    assert "No Cox regression: too few." in section.text
    assert not any("Horizons left out" in words for words in section.text)
    assert "3 record(s) without follow-up time are left out of this section." in section.text
    assert section.tables[0].rows[0][2:] == ("—", "—")
    assert [n.text for n in section.notices] == [
        "There is no Cox regression to compare with; its section says why."
    ]


def test_without_horizons_only_concordance_is_told(
    timed: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = replace(timed.found, horizons=(), grid=(), left_out=(9999.0,))
    monkeypatch.setattr(survival_view, "follow_up", lambda context: bare)
    section = survival_view.analyse(timed.context)
    assert [each.caption for each in section.tables] == ["Concordance"]
    assert set(section.figures) == {
        f"{head}{name}{end}"
        for name in ("harrell_c", "uno_c")
        for head, end in (
            ("", ""), ("", "_within_fold"), ("baseline/cox/", ""), ("baseline/cox/", "_diff")
        )
    }  # fmt: skip


def test_without_risks_there_is_no_brier_score(timed: Timed) -> None:
    bare = replace(timed.found, missing={"network@": "a", "cox@": "b"})
    found = survival_figures(bare, Plan(draws=100))
    assert not any("brier" in name for name in found.pooled)
    assert "network:time_auc@180" in found.pooled
