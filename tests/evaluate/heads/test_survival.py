"""The survival head's own risks: who counts, what is checked, calibration, the section."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from components.core.config.heads import SurvivalHead
from components.core.errors import CardioError
from components.core.metrics.concordance import uno_c
from components.core.metrics.incidence import cumulative_incidence
from components.core.metrics.resampling import Plan
from components.core.metrics.survival_calibration import gap_by_chance
from components.core.metrics.time_auc import time_auc
from components.evaluate.analyses import survival_head
from components.evaluate.follow_up_table import COX, HEAD, FollowUp, averaged
from components.evaluate.heads.survival import (
    beside_cox,
    calibration,
    has_follow_up,
    impossible,
    own_follow_up,
)
from tests.evaluate.heads import planted

SETTINGS = SurvivalHead()
FRAME = planted.table(patients=600)


def cox_of(found: FollowUp, *, risks: bool = True) -> FollowUp:
    """Return a Cox model that knows the head's risks but for noise."""
    rng = np.random.default_rng(0)
    each = found.each.rename(columns=lambda c: str(c).replace(HEAD, COX))
    noise = rng.normal(0, 1.0, len(each))
    each[COX] = np.log(each[COX]) + noise
    for day in found.horizons:
        each[f"{COX}@{day:g}"] = (each[f"{COX}@{day:g}"] * np.exp(noise)).clip(0, 1)
    if not risks:
        each = each.drop(columns=[c for c in each if "@" in str(c)])
    return replace(found, each=each, pooled=averaged(each, ["patient_id"]), compared=(COX,))


def analysed(monkeypatch: pytest.MonkeyPatch, frame: pd.DataFrame = FRAME, **changes: object):
    def fitted(
        context: object, *, compared: tuple[str, ...], at: tuple[float, ...], endpoint: str
    ) -> FollowUp:
        assert (compared, endpoint) == ((COX,), SETTINGS.endpoint)
        return cox_of(own_follow_up(frame, "survival", SETTINGS))

    monkeypatch.setattr(survival_head, "follow_up", fitted)
    context = planted.context(heads=frame, **changes)
    assert survival_head.applies(context)
    return survival_head.analyse(context)


def test_patients_without_times_are_left_out_and_counted() -> None:
    frame = FRAME.copy()
    frame.loc[frame["patient_id"].isin(["p0000", "p0001"]), "time_days"] = np.nan
    found = own_follow_up(frame, "survival", SETTINGS)
    assert found.untimed == 4
    assert len(found.pooled) == 598
    assert found.horizons == planted.DAYS
    assert found.compared == (HEAD,)


def test_risks_are_means_over_recordings_and_the_score_is_the_last() -> None:
    found = own_follow_up(FRAME, "survival", SETTINGS).each.set_index("patient_id")
    own = FRAME[FRAME["patient_id"] == "p0005"]
    assert found.loc["p0005", "head@91"] == pytest.approx(own["out.survival.91"].mean())
    assert found.loc["p0005", "head"] == found.loc["p0005", "head@365"]


def test_without_a_reached_horizon_the_last_one_ranks() -> None:
    frame = FRAME.assign(time_days=FRAME["time_days"].clip(upper=25))
    found = own_follow_up(frame, "survival", SETTINGS)
    assert found.horizons == ()
    assert found.left_out == planted.DAYS
    assert found.each["head"].tolist() == found.each["head@365"].tolist()
    assert calibration(found, Plan(draws=100)) == ({}, {})


def test_the_true_risk_is_found_calibrated() -> None:
    frame = planted.table(patients=2000)
    figures, groups = calibration(own_follow_up(frame, "survival", SETTINGS), Plan(draws=200))
    for day in planted.DAYS:
        ratio = figures[f"observed_expected@{day:g}"]
        assert ratio.lo < 1 < ratio.hi
        error = figures[f"calibration_error@{day:g}"]
        assert 0 <= error.lo <= error.value <= error.hi < 0.1
        assert "centred on the figure" in error.method
        assert error.value < 2 * gap_by_chance(groups[day])
    assert len(groups[365.0]) == 10
    doubled = frame.assign(**{f"out.survival.{d:g}": frame[f"out.survival.{d:g}"] * 0.5
                              for d in planted.DAYS})  # fmt: skip
    halved, _ = calibration(own_follow_up(doubled, "survival", SETTINGS), Plan(draws=200))
    assert halved["observed_expected@365"].lo > 1.5


def test_curves_that_fall_or_leave_what_is_possible_are_counted() -> None:
    assert impossible(FRAME, "survival", SETTINGS) == (0, 0)
    frame = FRAME.copy()
    frame.loc[0, "out.survival.182"] = 0.0
    frame.loc[1, "out.survival.death.30"] = 0.99
    frame.loc[2, "out.survival.30"] = -0.1
    assert impossible(frame, "survival", SETTINGS) == (2, 2)
    alone = frame.drop(columns=[c for c in frame if "death" in c])
    assert impossible(alone, "survival", SETTINGS) == (1, 1)


def test_cox_is_paired_and_what_one_lacks_is_counted() -> None:
    found = own_follow_up(FRAME, "survival", SETTINGS)
    cox = cox_of(found)
    fewer = replace(cox, each=cox.each[cox.each["patient_id"] != "p0007"])
    both, lost = beside_cox(found, fewer)
    assert lost == 1
    assert both.compared == both.models == (HEAD, COX)
    assert "p0007" not in set(both.pooled["patient_id"])
    bare, lost = beside_cox(found, cox_of(found, risks=False))
    assert lost == 0
    assert bare.missing == {"cox@": "it has no risk at some horizon"}
    none, _ = beside_cox(found, replace(cox, each=found.each, missing={"cox": "a", "cox@": "a"}))
    assert none.missing == {"cox": "a", "cox@": "a"}
    assert none.models == (HEAD,)


def test_a_missing_output_is_a_fault() -> None:
    with pytest.raises(CardioError, match=r"the column\(s\) out\.survival\.91"):
        own_follow_up(FRAME.drop(columns="out.survival.91"), "survival", SETTINGS)


def test_the_section_has_figures_of_the_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    section = analysed(monkeypatch)
    figures = section.figures
    assert [table.caption for table in section.tables] == [
        "Concordance", "Discrimination at horizons", "Brier score of the risk at horizons",
        "Calibration of the risk by each horizon",
    ]  # fmt: skip
    for table in section.tables:
        assert all(len(row) == len(table.header) for row in table.rows)
    each = own_follow_up(FRAME, "survival", SETTINGS).each
    censoring = each  # one repeat: the folds together are everyone
    values = [
        uno_c(fold["time_days"], fold["event_code"], fold["head"], tau=365.0)
        for _, fold in each.groupby("fold")
    ]
    # Censoring is estimated on everyone, here on each fold: close, not the same.
    assert figures["head/survival/uno_c"].value == pytest.approx(np.mean(values), abs=0.01)
    pooled = time_auc(censoring["time_days"], censoring["event_code"], each["head@91"], [91.0])
    assert figures["head/survival/time_auc/91"].value == pytest.approx(pooled[0], abs=0.02)
    assert figures["head/survival/uno_c_minus_cox"].lo > 0
    seen = cumulative_incidence(each["time_days"], each["event_code"], 365.0)
    assert section.tables[3].rows[3][2] == seen.text()
    assert "No record's risk falls with time, and none lies outside what is possible." in (
        section.text
    )
    assert section.notices == ()
    (plot,) = section.plots
    assert plot.name == "survival_head_survival"
    assert "Day 30: O/E" in plot.svg


def test_a_head_no_better_than_cox_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    shuffled = {f"out.survival.{d:g}": rng.permutation(FRAME["out.survival.30"])
                for d in planted.DAYS}  # fmt: skip
    section = analysed(monkeypatch, FRAME.assign(**shuffled))
    texts = [notice.text for notice in section.notices]
    assert any("falls with time" in t or "that fall with time" in t for t in texts)
    assert any("not shown to rank patients better than Cox regression" in t for t in texts)
    assert any("the head is at fault" in t for t in section.text)


def test_few_events_are_underpowered_and_not_ranked(monkeypatch: pytest.MonkeyPatch) -> None:
    events = FRAME.loc[FRAME["event_code"] == 1, "patient_id"].unique()
    code = FRAME["event_code"].mask(FRAME["patient_id"].isin(events[12:]), 0.0)
    section = analysed(monkeypatch, FRAME.assign(event_code=code))
    (notice,) = section.notices
    assert notice.text == "The head 'survival' rests on 12 patients with the event: underpowered."
    assert all("(underpowered)" in row[1] for row in section.tables[3].rows)


def test_patients_whom_cox_lacks_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = FRAME[FRAME["patient_id"] != "p0003"]
    monkeypatch.setattr(
        survival_head,
        "follow_up",
        lambda context, **asked: cox_of(own_follow_up(fewer, "survival", SETTINGS)),
    )
    section = survival_head.analyse(planted.context(heads=FRAME))
    assert "1 patient(s) whom one of both models has no answer for are left out." in section.text


def test_another_cohort_has_no_cox_model() -> None:
    section = survival_head.analyse(planted.context(heads=FRAME, external=True))
    assert "No Cox regression: it is fitted to the training's own cohort only." in section.text
    assert not any("cox" in name for name in section.figures)


def test_short_follow_up_leaves_concordance_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = FRAME.assign(time_days=FRAME["time_days"].clip(upper=25))
    frame.loc[0, "time_days"] = np.nan
    section = analysed(monkeypatch, frame)
    assert [table.caption for table in section.tables] == ["Concordance"]
    assert section.plots == ()
    assert any("fewer than 20 patients were followed so far: day 30, 91" in t
               for t in section.text)  # fmt: skip
    assert any("1 record(s) without a time are left out" in t for t in section.text)


def test_it_applies_to_a_survival_head_with_events() -> None:
    assert not survival_head.applies(planted.context())
    lvef = {"lvef": planted.HEADS["lvef"]}
    assert not survival_head.applies(planted.context(heads=FRAME, all_heads=lvef))
    assert not has_follow_up(FRAME.drop(columns="time_days"))
    assert not has_follow_up(FRAME.assign(event_code=0.0))


def test_a_head_of_another_endpoint_is_judged_by_its_own_times() -> None:
    named = {"time_days": "time_days.back", "event_code": "event_code.back"}
    other = FRAME.rename(columns=named).assign(time_days=1.0, event_code=0)
    own = own_follow_up(other, "survival", SETTINGS.model_copy(update={"endpoint": "back"}))
    pd.testing.assert_frame_equal(own.pooled, own_follow_up(FRAME, "survival", SETTINGS).pooled)
    assert has_follow_up(other, "back")
    assert not has_follow_up(other)
    assert not has_follow_up(other, "elsewhere")
