"""Categories: agreement against scikit-learn, incidence by called category, what is said of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as peer

from components.core.config.heads import ClassesHead
from components.core.metrics.incidence import cumulative_incidence
from components.core.metrics.resampling import Plan
from components.evaluate.analyses import classes
from components.evaluate.heads.classes import class_figures_of, patient_classes, validation
from tests.evaluate.heads import planted

SETTINGS = ClassesHead(target="risk_category", classes=planted.CLASSES)
FRAME = planted.table(patients=600, repeats=2)
PLAN = Plan(draws=100)


def by_patient(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    columns = [f"out.risk.{name}" for name in planted.CLASSES]
    grouped = frame.groupby("patient_id")
    return grouped["y.risk"].max().to_numpy(), grouped[columns].mean().to_numpy().argmax(axis=1)


def test_figures_are_scikit_learns_over_patients() -> None:
    found = class_figures_of(FRAME, "risk", SETTINGS, PLAN)
    y, called = by_patient(FRAME)
    assert found.patients == 600
    assert found.cells.tolist() == peer.confusion_matrix(y, called).tolist()
    values = {name: interval.value for name, interval in found.figures.items()}
    assert values["quadratic_kappa"] == pytest.approx(
        peer.cohen_kappa_score(y, called, weights="quadratic")
    )
    assert values["macro_f1"] == pytest.approx(peer.f1_score(y, called, average="macro"))
    recall = peer.recall_score(y, called, average=None)
    assert [values[f"recall/{name}"] for name in planted.CLASSES] == pytest.approx(recall)
    assert found.commonest == pytest.approx(np.bincount(y.astype(int)).max() / 600)
    for interval in found.figures.values():
        assert interval.lo <= interval.value <= interval.hi


def test_names_for_the_store_stay_apart() -> None:
    head = ClassesHead(target="x", classes=("very low", "very+low", "high"))
    columns = {f"out.risk.{old}": f"out.risk.{new}"
               for old, new in zip(planted.CLASSES, head.classes, strict=True)}  # fmt: skip
    sample, _ = patient_classes(FRAME.rename(columns=columns), "risk", head)
    assert sample.names == ("0_very_low", "1_very_low", "2_high")


def test_probabilities_a_rounding_off_are_taken() -> None:
    columns = [f"out.risk.{name}" for name in planted.CLASSES]
    off = FRAME.assign(**{c: FRAME[c].astype(np.float32) * np.float32(1 + 3e-5) for c in columns})
    sample, _ = patient_classes(off, "risk", SETTINGS)
    np.testing.assert_allclose(sample.probs.sum(axis=1), 1, atol=1e-9)


def test_incidence_by_called_category_counts_everyone_followed() -> None:
    frame = FRAME.assign(**{"y.risk": np.nan})
    found = validation(frame, "risk", SETTINGS, PLAN)
    assert found is not None
    _, called = by_patient(FRAME)
    times = FRAME.groupby("patient_id")[["time_days", "event_code"]].first()
    for place, group in enumerate(found.groups):
        mine = times[called == place]
        wanted = cumulative_incidence(mine["time_days"], mine["event_code"], 365.0)
        assert group.incidence == wanted
        assert group.patients == len(mine)
    values = [group.incidence.value for group in found.groups]
    assert [step.value for step in found.steps] == pytest.approx(np.diff(values))
    assert found.powered


def test_without_events_there_is_no_validation() -> None:
    assert validation(FRAME.drop(columns="time_days"), "risk", SETTINGS, PLAN) is None
    assert validation(FRAME.assign(event_code=0.0), "risk", SETTINGS, PLAN) is None


def test_a_category_not_followed_so_far_has_no_incidence() -> None:
    frame = FRAME.assign(time_days=FRAME["time_days"].clip(upper=300))
    found = validation(frame, "risk", SETTINGS, PLAN)
    assert found is not None
    assert all(np.isnan(group.incidence.value) for group in found.groups)


def analysed(frame: pd.DataFrame):
    context = planted.context(heads=frame)
    assert classes.applies(context)
    return classes.analyse(context)


def test_the_section_says_that_risk_rises() -> None:
    section = analysed(FRAME)
    assert any("rises from each called category to the next" in t for t in section.text)
    assert [table.caption for table in section.tables] == [
        "Over all categories", "By category", "Confusion matrix", "What came by day 365",
    ]  # fmt: skip
    for table in section.tables:
        assert all(len(row) == len(table.header) for row in table.rows)
    assert "share of the most frequent category" in section.tables[0].rows[0][2]
    assert section.tables[2].rows[0][1].endswith(" %)")
    assert section.plots[0].name == "classes_risk"
    assert "<!-- moderate -->" in section.plots[0].svg
    assert {"head/risk/quadratic_kappa", "head/risk/f1/high", "head/risk/incidence/low"} <= set(
        section.figures
    )
    assert section.notices == ()


def test_a_reversed_head_is_said_not_to_rise() -> None:
    swapped = FRAME.rename(columns={"out.risk.low": "out.risk.high", "out.risk.high":
                                    "out.risk.low"})  # fmt: skip
    section = analysed(swapped)
    assert any("does not rise from low to moderate and from moderate to high" in t
               for t in section.text)  # fmt: skip


def test_a_weak_rise_is_not_called_shown() -> None:
    frame = planted.table(seed=3, patients=120)
    section = analysed(frame)
    assert any("the interval of the difference holds 0" in t for t in section.text)
    assert any("is underpowered: fewer than 20 patients in high (18)" in n.text
               for n in section.notices)  # fmt: skip


def test_few_events_are_not_ranked() -> None:
    few = FRAME["patient_id"].isin(FRAME["patient_id"].unique()[:30])
    section = analysed(FRAME.assign(event_code=FRAME["event_code"].where(few, 0.0)))
    assert any("Underpowered: fewer than 20 events by day 365" in t for t in section.text)


def test_without_times_only_agreement_is_told() -> None:
    section = analysed(FRAME.drop(columns=["time_days", "event_code"]))
    assert "No event has a known time, so what came of each category cannot be said." in (
        section.text
    )
    assert len(section.tables) == 3


def test_one_called_category_is_compared_with_none() -> None:
    constant = {"out.risk.low": 0.8, "out.risk.moderate": 0.1, "out.risk.high": 0.1}
    section = analysed(FRAME.assign(**constant))
    assert "Everyone was put into one category, so there is nothing to compare." in section.text


def test_it_applies_to_known_categories() -> None:
    assert not classes.applies(planted.context())
    assert not classes.applies(planted.context(heads=FRAME.assign(**{"y.risk": np.nan})))
