"""A model of event sequences through the whole of `evaluate`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from components.core.data.batches import raw_batch
from components.core.data.cohort import Rows
from components.core.errors import CardioError
from components.evaluate.analyses import input_subsets, sequence_robustness, simple_inputs
from components.evaluate.analysis import Context
from components.evaluate.inputs import masked
from components.evaluate.inputs.exchange import donors, exchanges
from components.evaluate.robustness.recordings import Condition
from components.evaluate.robustness.sequences import Disturbance, lost, within
from components.evaluate.robustness.setting import network_of
from tests.evaluate.conftest import Example, context_of


@pytest.fixture(scope="module")
def context(examples: Callable[[str], Example]) -> Context:
    return context_of(examples("events"))


def disturbance(key: str, change: Any) -> Disturbance:
    return Disturbance(
        condition=Condition(kind="K", key=key, title=key, change=None), change=change
    )


def test_every_figure_has_its_interval_and_the_baselines_are_there(
    examples: Callable[[str], Example],
) -> None:
    found = json.loads((examples("events").stage.folder / "metrics_test.json").read_text())
    for name in (
        "auroc", "baseline/logistic_regression/auroc_diff", "baseline/gradient_boosting/auroc",
        "baseline/events_alone/auroc", "robustness/without_events/auroc_diff",
        "robustness/lost_50/auroc", "robustness/stale_6h/auroc", "robustness/no_lab/brier_diff",
        "behaviour/events/reacts", "learning_curve/auroc_at_100",
    ):  # fmt: skip
        assert found[name]["lo"] <= found[name]["value"] <= found[name]["hi"], name
    # The planted event is common, and counts and hours tell it.
    assert found["baseline/events_alone/auroc"]["value"] > 0.7
    assert found["behaviour/events/reacts"]["value"] > 0.9
    assert found["subgroup/period/2014_-_2016/patients"]["value"] > 0


def test_report_and_card_speak_of_sequences(examples: Callable[[str], Example]) -> None:
    folder = examples("events").stage.folder
    page, card = ((folder / name).read_text() for name in ("report.html", "model_card.md"))
    for text in (
        "How robust is it to gaps and errors in the sequence?", "event sequence: another patient",
        "of a network no training record lacked the event sequence and the table and none",
        "% of the events left",
        "Period: the years that shifted dates still tell", "last values of the event sequence",
    ):  # fmt: skip
        assert text in page
    assert "they are those of a digital ECG" not in page
    for text in (
        "the event sequence, age (numeric)", "text by TF-IDF of 8 dimensions",
        "orders of comfort care and limits of treatment left out",
        "is answered from a vector in place of its sequence",
    ):  # fmt: skip
        assert text in card


def test_an_untouched_sequence_must_give_the_reported_answer(context: Context) -> None:
    (test,) = context.tests
    wrong = replace(test, frame=test.frame.assign(logit=test.frame["logit"] + 0.1))
    with pytest.raises(CardioError, match=r"unchanged records give logits that differ by 0\.1"):
        sequence_robustness.disturbed(replace(context, tests=[wrong]), [])


def test_disturbed_sequences_are_answered_by_what_is_left(context: Context) -> None:
    same, none = disturbance("same", within(0, np.inf)), disturbance("none", lost(1.1))
    found = sequence_robustness.disturbed(context, [same, none])
    kept, gone = found.disturbed
    assert kept.figures["auroc_diff"].value == 0
    assert kept.condition.remark == "100.0 % of the events left"
    assert (
        gone.condition.remark == f"0.0 % of the events left, {found.records} record(s) without any"
    )
    (test,) = context.tests
    network = network_of(context, test.fold)
    index = np.arange(len(test.rows))
    gone_logits = masked.changed_logits(
        network, test.rows, index, [masked.without(["events"])], advance=lambda _: None
    )[0]
    emptied = sequence_robustness._logits(
        network, test.rows, lost(1.1)(sequence_robustness._sequences(test.rows, seed=0))
    )
    np.testing.assert_allclose(emptied, gone_logits, atol=1e-6)


def test_sequences_are_asked_in_batches_of_like_length(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    (test,) = context.tests
    network = network_of(context, test.fold)
    index = np.arange(len(test.rows))[::-1].copy()
    whole = masked.changed_logits(
        network, test.rows, index, [masked.unchanged], advance=lambda _: None
    )
    np.testing.assert_allclose(whole[0], test.frame["logit"].to_numpy()[index], atol=1e-5)
    seen: list[tuple[int, int]] = []
    raw = masked.raw_batch

    def watched(rows: Rows, part: np.ndarray) -> dict[str, torch.Tensor]:
        batch = raw(rows, part)
        seen.append((batch["events"].shape[0], batch["events"].shape[1]))
        return batch

    monkeypatch.setattr(masked, "raw_batch", watched)
    monkeypatch.setattr(masked, "TOKENS", 60)
    few = masked.changed_logits(
        network, test.rows, index, [masked.unchanged], advance=lambda _: None
    )
    np.testing.assert_allclose(few, whole, atol=1e-5)
    assert all(records * steps <= 60 or records == 1 for records, steps in seen)
    assert [steps for _, steps in seen] == sorted(steps for _, steps in seen)


def test_another_patients_sequence_comes_whole(context: Context) -> None:
    (test,) = context.tests
    rows = test.rows
    assert rows.events is not None
    index = np.arange(len(rows))
    (found, *_) = exchanges(rows, ("events", "tabular"), index, seed=0)
    donor = donors(rows, rows.events.lengths > 0, index, seed=0)
    changed = found.change(raw_batch(rows, index), index)
    expected = raw_batch(rows, donor)
    for key in ("events", "events_valid", "events_hours"):
        assert torch.equal(changed[key], expected[key])
    assert found.applies.all()
    assert found.steps is not None
    np.testing.assert_array_equal(found.steps, rows.events.lengths[donor])
    assert (changed["events_valid"].sum(1).numpy() == found.steps).all()


def test_records_without_events_are_told(context: Context) -> None:
    (test,) = context.tests
    inputs = ("events", "tabular")
    own = masked.there_of(test.rows, inputs)
    assert own["events"].all()
    bare = masked.there_of(test.rows.without("events"), ("events",))
    assert not bare["events"].any()
    assert masked.never_lacked(context) == ("events", "tabular")
    assert masked.may_lack(inputs)
    assert not masked.may_lack(("ecg", "tabular", "text"))


def test_sections_need_the_models_own_cohort(context: Context) -> None:
    assert sequence_robustness.applies(context)
    assert simple_inputs.applies(context)
    assert input_subsets.applies(context)
    away = replace(context, stages=replace(context.stages, home=context.stages))
    assert not sequence_robustness.applies(away)


def test_a_test_part_without_sequences_is_a_fault(context: Context) -> None:
    (test,) = context.tests
    with pytest.raises(CardioError, match="has no sequences; this is a fault of the software"):
        sequence_robustness._of(test.rows.without("events"))
