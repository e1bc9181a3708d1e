"""Strange recordings: figures on planted answers, and the whole section of an evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from components.core.bundle import Predictor
from components.core.config.heads import ConfidenceHead
from components.core.errors import CardioError
from components.core.metrics.resampling import Plan
from components.core.report.section import Section
from components.core.signals.assess import assess
from components.core.signals.leads import LEADS8
from components.core.signals.signal import Signal
from components.evaluate import run
from components.evaluate.analyses import unfamiliar
from components.evaluate.analysis import Context
from components.evaluate.robustness import strange
from components.evaluate.robustness.figures import BASE
from components.evaluate.robustness.recordings import Condition
from components.evaluate.robustness.setting import setup_of
from components.evaluate.unfamiliar import wording
from components.evaluate.unfamiliar.figures import unfamiliar_figures
from components.evaluate.unfamiliar.seen import Gate, qualities, strange_frame
from tests.evaluate.conftest import Example, context_of
from tests.evaluate.robustness.test_kinds import recordings, setup

Get = Callable[[str], Example]
PLAN = Plan(draws=200)
KNOWN, MISSED, SURER = (
    Condition(kind="", key=key, title=key, change=lambda r: r) for key in ("known", "missed", "up")
)


def planted(patients: int = 100, folds: int = 2) -> pd.DataFrame:
    """Return answers in which `known` lowers the confidence and `up` raises it."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(patients), 2)
    own = pd.DataFrame({
        "sample_id": [f"s{i}" for i in range(who.size)], "patient_id": [f"p{i}" for i in who],
        "repeat": 0, "fold": who % folds,
    })  # fmt: skip
    parts = []
    for key, shift, far in (
        (BASE, 0.0, 0.0), ("known", -0.2, 0.6), ("missed", 0.0, 0.6), ("up", 0.15, 0.0),
    ):  # fmt: skip
        confidence = 0.6 + shift + rng.normal(0, 0.1, who.size)
        right = (rng.random(who.size) < 0.6 + (0 if key == BASE else -0.2)).astype(float)
        parts.append(own.assign(
            condition=key, confidence=confidence.clip(0, 1), right=right,
            distance=far + rng.normal(1, 0.3, who.size),
            abstains=(far > 0) * (rng.random(who.size) < 0.5) * 1.0,
        ))  # fmt: skip
    frame = pd.concat(parts, ignore_index=True)
    frame.loc[frame.index[:5], "right"] = np.nan
    return frame


FRAME = planted()
FOUND = unfamiliar_figures(FRAME, [KNOWN, MISSED, SURER], PLAN)


def test_figures_are_plain_means_and_scikit_learns_auroc_within_folds() -> None:
    by = {each.condition.key: each for each in FOUND.strange}
    own = FRAME[FRAME["condition"] == "known"]
    base = FRAME[FRAME["condition"] == BASE]
    figures = by["known"].figures
    assert figures["stated"].value == pytest.approx(own["confidence"].mean())
    assert figures["accuracy"].value == pytest.approx(own["right"].mean())
    gap = (own["confidence"] - own["right"]).mean()
    assert figures["overconfidence"].value == pytest.approx(gap)
    assert figures["abstained"].value == pytest.approx(own["abstains"].mean())
    for column, sign, name in (
        ("confidence", -1, "auroc_confidence"), ("distance", 1, "auroc_distance"),
    ):  # fmt: skip
        each = []
        for fold in (0, 1):
            both = pd.concat([base[base["fold"] == fold], own[own["fold"] == fold]])
            each.append(roc_auc_score(both["condition"] == "known", sign * both[column]))
        assert figures[name].value == pytest.approx(np.mean(each))
        assert figures[name].lo < figures[name].value < figures[name].hi
    assert (FOUND.records, FOUND.patients, FOUND.known) == (200, 100, 195)
    left = base[base["right"].notna()]
    assert FOUND.base.figures["accuracy"].value == pytest.approx(left["right"].mean())
    assert "auroc_confidence" not in FOUND.base.figures


def test_what_is_noticed_missed_and_made_surer_is_told() -> None:
    by = {each.condition.key: each for each in FOUND.strange}
    assert [by[k].noticed for k in ("known", "missed", "up")] == [True, False, False]
    assert [by[k].surer for k in ("known", "missed", "up")] == [False, False, True]
    assert [by[k].far for k in ("known", "missed", "up")] == [True, True, False]
    said = list(wording.paragraphs(FOUND, "lvef", folded=True))
    assert "of the first repeat of the cross-validation" in said[0]
    assert said[1] == (
        "The confidence head does not notice: missed, up. It is surer than of untouched "
        "recordings of: up."
    )
    assert said[2] == "The distance alone tells: missed."
    assert said[3] == "Neither tells: up."
    assert said[4].startswith("More confident than right (stated minus accuracy): missed, 0.")
    (notice,) = wording.notices(FOUND, "confidence")
    assert notice.text.endswith("where these are: missed, up.")
    rows = wording.picture(FOUND)
    assert [row.label for row in rows[:3]] == ["known", "1 − confidence", "distance"]


def test_a_head_that_notices_everything_is_told_so() -> None:
    found = unfamiliar_figures(FRAME, [KNOWN], PLAN)
    said = list(wording.paragraphs(found, "lvef", folded=False))
    assert said[1] == "The confidence head notices every one of them: it is less sure of each."
    assert list(wording.notices(found, "confidence")) == []


def test_few_patients_are_underpowered_and_nothing_is_ranked() -> None:
    few = unfamiliar_figures(planted(patients=12), [KNOWN, MISSED], PLAN)
    said = list(wording.paragraphs(few, "lvef", folded=False))
    assert said[1].startswith("Underpowered: fewer than 20 patients")
    assert len(said) == 2
    assert list(wording.notices(few, "confidence")) == []
    assert {row.tone for row in wording.picture(few) if row.interval} == {"faint"}


def test_without_answers_or_distances_figures_are_left_out() -> None:
    lost = FRAME["condition"] == "known"
    silent = FRAME.assign(
        confidence=FRAME["confidence"].mask(lost), right=FRAME["right"].mask(lost),
        distance=np.nan,
    )  # fmt: skip
    found = unfamiliar_figures(silent, [KNOWN, MISSED], PLAN)
    known, missed = found.strange
    assert set(known.figures) == {"abstained"}
    assert known.unanswered == 200
    assert "auroc_distance" not in missed.figures
    said, told = wording.tables(found)
    assert "200 without a lead left" in said.rows[1][-1]
    assert said.rows[1][1] == told.rows[1][1] == "—"
    words = list(wording.paragraphs(found, "lvef", folded=False))
    assert any("No distance from the training recordings can be given" in text for text in words)


def test_quality_is_that_of_the_recording_and_a_lost_lead_is_flat() -> None:
    given = recordings(size=2)
    (change,) = [c.change for c in strange.conditions(setup()) if c.key == "flat_4"]
    assert change is not None
    changed = change(given)
    before, after = (qualities(given, each, setup()) for each in (given, changed))
    whole = Signal(
        values=given.values[1],  # noqa: PD011 - no data frame
        fs=500.0, leads=LEADS8, unit="mV", lsb=np.ones(8),
        offset=np.zeros(8),
    )  # fmt: skip
    assert before[1].score == pytest.approx(assess(whole).score)
    assert not before[1].flags["flat"]
    assert after[1].flags["flat"]
    assert after[1].score < before[1].score
    nothing = replace(given, valid=np.zeros_like(given.valid))
    assert qualities(nothing, nothing, setup())[0].score <= 1


def test_the_gate_is_the_bundles() -> None:
    gate = Gate(known=None, reject=frozenset({"flat"}), min_quality=0.25)
    given = recordings(size=2)
    assert np.isnan(gate.distances(given, setup())).all()
    assert not gate.is_far(np.array([5.0])).any()
    (one, _) = qualities(given, given, setup())
    assert not gate.is_poor(one)
    assert gate.is_poor(replace(one, score=0.2))
    assert gate.is_poor(replace(one, flags=one.flags | {"flat": True}))


@pytest.fixture(scope="module")
def context(examples: Get) -> Context:
    done = examples("heads")
    plain = context_of(done)
    with pytest.MonkeyPatch.context() as patch:
        split = plain.opening.test_split
        patch.setattr("components.core.data.held_out.run_tag", lambda run_id, tag: split)
        heads = run._heads(done.behind, done.task, plain.tests, plain.opening)
    return replace(plain, heads=heads)


@pytest.fixture(scope="module")
def section(context: Context) -> Section:
    return unfamiliar.analyse(context)


def frame_of(context: Context, *keys: str) -> pd.DataFrame:
    index = [np.arange(len(test.rows)) for test in context.tests]
    own = setup_of(context, context.tests, index)
    wanted = [c for c in strange.conditions(own) if c.key in keys]
    return strange_frame(
        context, "confidence", ConfidenceHead(of="lvef"),
        list(zip(context.tests, index, strict=True)), setup=own, wanted=wanted,
        advance=lambda done: None,
    )  # fmt: skip


def test_it_is_off_without_a_confidence_head_and_without_an_ecg(context: Context) -> None:
    assert unfamiliar.applies(context)
    assert not unfamiliar.applies(replace(context, heads=None))
    heads = {name: head for name, head in context.task.heads.items() if name != "confidence"}
    assert not unfamiliar.applies(
        replace(context, task=context.task.model_copy(update={"heads": heads}))
    )
    tabular = context.task.model_copy(update={"model": {"name": "tabular"}})
    assert not unfamiliar.applies(replace(context, task=tabular))


def test_the_section_has_a_row_for_every_strangeness(section: Section) -> None:
    said, told = section.tables
    assert [row[0] for row in told.rows][:3] == [
        "untouched", "recorded at half the rate declared", "recorded at twice the rate declared",
    ]  # fmt: skip
    assert len(said.rows) == len(told.rows) == 10
    assert all(len(row) == len(table.header) for table in (said, told) for row in table.rows)
    assert "head/confidence/unfamiliar/white_noise/auroc_distance" in section.figures
    assert "head/confidence/unfamiliar/base/stated" in section.figures
    assert section.plots[0].name == "unfamiliar_confidence"


def test_noise_is_far_from_training_and_the_model_abstains(section: Section) -> None:
    found = section.figures
    assert found["head/confidence/unfamiliar/white_noise/auroc_distance"].value > 0.95
    abstained = found["head/confidence/unfamiliar/white_noise/abstained"].value
    assert abstained > found["head/confidence/unfamiliar/base/abstained"].value


def test_untouched_recordings_are_answered_as_reported(context: Context) -> None:
    assert context.heads is not None
    base = frame_of(context)
    assert set(base["condition"]) == {BASE}
    both = base.merge(context.heads, on="sample_id")
    np.testing.assert_allclose(both["confidence"], both["out.confidence.p"], atol=1e-5)
    known = both["y.confidence"].notna()
    np.testing.assert_array_equal(both["right"][known], both["y.confidence"][known])


def test_the_bundle_abstains_from_the_same_untouched_recordings(
    examples: Get, context: Context
) -> None:
    done = examples("heads")
    base = frame_of(context).set_index("sample_id")
    raw = pd.read_csv(done.stage.folder.parents[2] / "heads" / "manifest.csv", dtype=str)
    raw = raw.set_index("recording_id").loc[base.index]
    folder = done.stage.folder.parents[2] / "heads"
    sent = raw.assign(ecg_path=[str(folder / name) for name in raw["path"]])
    answers = Predictor(done.stage.folder / "bundle").predict(sent[["ecg_path"]])
    assert [each.abstain for each in answers] == (base["abstains"] == 1).tolist()
    assert 0 < base["abstains"].sum() < len(base)


def test_another_confidence_than_the_reported_one_is_a_fault(context: Context) -> None:
    assert context.heads is not None
    wrong = context.heads.assign(**{"out.confidence.p": context.heads["out.confidence.p"] + 0.1})
    with pytest.raises(CardioError, match=r"confidences that differ by 0\.1 from those reported"):
        frame_of(replace(context, heads=wrong))
    with pytest.raises(CardioError, match=r"there is no table of heads"):
        frame_of(replace(context, heads=None))
