"""A model of event sequences answers raw events as training would feed them, or says why not."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from components.core.bundle import Prediction, Predictor
from components.core.bundle_answer import as_table, example_answer
from components.core.bundle_events import MOST, events_note, sent_events, sequence_batch, taken
from components.core.bundle_files import EventFacts
from components.core.data.event_stats import KINDS
from components.core.data.event_words import with_place
from components.core.data.finish import Finisher
from components.core.data.stored_events import EVENT_KINDS
from components.core.data.tabular import TabularEncoder
from components.core.errors import InputError, RecordError
from components.core.registry import input_example, signature_of
from tests.event_bundles import FIELDS, course, stats_of, write_event_bundle

NAN = float("nan")
ONE: dict[str, Any] = {"hours_before_prediction": 3.5, "type": "lab", "text": "Lactate 4.1 mmol/L"}
NO_FIELDS = TabularEncoder(numeric=(), categorical=())


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor(write_event_bundle(tmp_path_factory.mktemp("events")))


def ask(predictor: Predictor, **cells: Any) -> Prediction:
    return predictor.predict(pd.DataFrame([cells]))[0]


def steps_of(predictor: Predictor, place: int, sent: list[dict[str, Any]]) -> torch.Tensor:
    """Return `[1, S, W]` put together by hand: kind, text, time, the most recent event last."""
    stats = predictor.members[place].stats.events
    assert stats is not None
    rows = []
    told = [(round(each["hours_before_prediction"] * 3600), EVENT_KINDS.index(each["type"]),
             each["text"]) for each in sent]  # fmt: skip
    for seconds, kind, text in sorted(told, key=lambda each: (-each[0], each[1], each[2])):
        time = (math.log1p(seconds / 3600) - stats.time.mean) / stats.time.sd
        vector = stats.text.transform([with_place(text)])[0].tolist()  # pyright: ignore[reportAttributeAccessIssue]
        rows.append([float(kind == own) for own in range(5)] + vector + [time])
    return torch.tensor([rows], dtype=torch.float32)


def log_odds(predictor: Predictor, sent: list[dict[str, Any]]) -> float:
    """Return the mean log-odds from events and `FIELDS`, each network by its own statistics."""
    found = []
    for place, member in enumerate(predictor.members):
        steps = steps_of(predictor, place, sent)
        encoder = member.stats.tabular
        own = {"age": [61.0], "care_unit": pd.Series(["MICU"], dtype="string")}
        batch = {
            "events": steps, "events_valid": torch.ones(1, steps.shape[1]),
            "events_mask": torch.ones(1), "tabular_mask": torch.ones(1),
            "tabular": torch.from_numpy(encoder.transform(pd.DataFrame(own))),
        }  # fmt: skip
        with torch.no_grad():
            said = member.model(Finisher(member.stats)(batch))["mortality"]
        found.append(float(said[0, 1] - said[0, 0]))
    return float(np.mean(found))


def test_events_are_fed_as_training_fed_them(predictor: Predictor) -> None:
    sent = [each for each in course() if "DNR" not in each["text"]]
    found = ask(predictor, **FIELDS, events=sent)
    assert found.error == ""
    assert found.logit == pytest.approx(log_odds(predictor, sent), abs=1e-5)
    assert found.inputs == ("tabular", "events")
    assert found.probability == pytest.approx(predictor.calibrated(np.array([found.logit]))[0])
    assert "2 network(s)" in found.interval_note


def test_five_networks_give_an_interval(tmp_path: Path) -> None:
    five = Predictor(write_event_bundle(tmp_path, members=5))
    found = ask(five, **FIELDS, events=course())
    assert found.lo < found.probability < found.hi


def test_order_and_form_do_not_matter(predictor: Predictor) -> None:
    sent = course()
    plain = ask(predictor, **FIELDS, events=sent)
    twisted = [{**dict(reversed(each.items())), "type": f" {each['type'].upper()} "}
               for each in reversed(sent)]  # fmt: skip
    for form in (twisted, json.dumps(sent), tuple(sent), np.array(sent, object)):
        assert ask(predictor, **FIELDS, events=form) == plain


def test_events_of_one_moment_have_one_order(predictor: Predictor) -> None:
    same = [{**each, "hours_before_prediction": 2} for each in course()]
    assert ask(predictor, events=same) == ask(predictor, events=same[::-1])


def test_a_row_answers_alone_as_among_others(predictor: Predictor) -> None:
    rows = [{**FIELDS, "events": course(seed, events=n)} for seed, n in enumerate((1, 30, 7))]
    together = predictor.predict(pd.DataFrame(rows))
    assert together == [ask(predictor, **row) for row in rows]


@pytest.mark.parametrize("nothing", [None, NAN, "", " ", "null", "[]", [], ()])
def test_no_sequence_is_an_absent_modality(predictor: Predictor, nothing: Any) -> None:
    found = ask(predictor, **FIELDS, events=nothing)
    assert (found.error, found.inputs, found.fields_note) == ("", ("tabular",), "")
    assert found.logit == ask(predictor, **FIELDS).logit
    assert found.logit != ask(predictor, **FIELDS, events=course()).logit


def test_events_alone_are_answered(predictor: Predictor) -> None:
    assert ask(predictor, events=course()).inputs == ("events",)


def test_an_absence_that_was_never_learned_is_said(tmp_path: Path) -> None:
    own = Predictor(write_event_bundle(tmp_path, members=1, absence_taught=False))
    said = (
        "the event sequence is absent, as in no record of training, so that what stands in its "
        "place was never learned"
    )
    assert ask(own, **FIELDS).fields_note == said
    assert ask(own, **FIELDS, events=course()).fields_note == ""


def test_absent_fields_that_were_never_learned_are_said(tmp_path: Path) -> None:
    own = Predictor(write_event_bundle(tmp_path, members=1, fields_taught=False))
    said = (
        "the static fields are absent, as in no record of training, so that what stands in their "
        "place was never learned"
    )
    assert ask(own, events=course()).fields_note == said
    assert ask(own, **FIELDS, events=course()).fields_note == ""
    alone = write_event_bundle(tmp_path / "alone", members=1, fields_taught=False, tabular=False)
    assert ask(Predictor(alone), events=course()).fields_note == ""


def test_comfort_care_is_left_out_as_in_training_and_said(
    predictor: Predictor, tmp_path: Path
) -> None:
    sent = course(events=4)
    more = [*sent, {**ONE, "text": "Comfort Measures Only"}, {**ONE, "text": "DNR"}]
    found = ask(predictor, **FIELDS, events=more)
    assert found.logit == ask(predictor, **FIELDS, events=sent).logit
    assert found.fields_note == (
        "2 of 6 events speak of comfort care or a limit of treatment and are left out, as in "
        "training"
    )
    alone = ask(predictor, **FIELDS, events=[{**ONE, "text": "Hospice"}])
    assert alone.inputs == ("tabular",)
    assert "1 of 1 events speak" in alone.fields_note
    nothing = ask(predictor, events=[{**ONE, "text": "Hospice"}])
    assert "nothing to answer from" in nothing.error
    kept = Predictor(write_event_bundle(tmp_path, members=1, comfort_care="keep"))
    first, second = (ask(kept, events=each) for each in (more, sent))
    assert first.logit != second.logit
    assert "comfort" not in first.fields_note


def test_what_is_unlike_training_is_said(tmp_path: Path) -> None:
    own = Predictor(write_event_bundle(tmp_path, members=1, longest=3))
    strange = [{**ONE, "text": "zyx"}, *course(events=3)]
    assert ask(own, events=strange).fields_note == (
        "the sequence has 4 events, the longest of training 3; 1 of 4 events hold no word that "
        "training knew"
    )
    assert ask(own, events=course(events=3)).fields_note == ""


def test_a_word_that_any_network_knew_is_no_unknown_one() -> None:
    stats, sent = stats_of(), course(events=3)
    facts = EventFacts(
        comfort_care="drop", time="scalar", width=stats.width, longest=9, absence_taught=True
    )
    own = taken(sent_events({"events": sent}, longest=9), facts)
    batch = sequence_batch(stats, own, "")
    lacking = [{**batch, "events": batch["events"].clone()} for _ in range(2)]
    lacking[0]["events"][0, :2, KINDS:-1] = 0
    lacking[1]["events"][0, 1:, KINDS:-1] = 0
    each = [(stats, one) for one in lacking]
    assert events_note(own, facts, each) == "1 of 3 events hold no word that training knew"
    assert "2 of 3 events hold" in events_note(own, facts, each[:1])


def test_sines_of_time_are_taken_too(tmp_path: Path) -> None:
    stats = stats_of(time="encoding")
    own = Predictor(write_event_bundle(tmp_path, members=1, stats=stats, tabular=False))
    assert own.facts.events is not None
    assert own.facts.events.width == 5 + stats.text_width + 16
    early, late = (ask(own, events=[{**ONE, "hours_before_prediction": h}]) for h in (1, 9))
    assert early.logit != late.logit
    assert own.facts.optional == {"events": "an event sequence (events)"}


def event(**change: Any) -> list[Any]:
    return [ONE, {**ONE, **change}]


FIELDS_OF = "event 2 of the event sequence is no object of exactly hours_before_prediction, type"


@pytest.mark.parametrize(
    ("sent", "code", "sentence"),
    [
        ("{", "not_json", "the event sequence is a text that is no JSON; send \\[{"),
        ("[" * 100_000, "not_json", "no JSON"),
        (7, "wrong_type", "the event sequence is no list of events; send a list of"),
        (json.dumps(ONE), "wrong_type", "no list of events"),
        (ONE, "wrong_type", "no list of events"),
        ([ONE, "lab"], "wrong_fields", FIELDS_OF),
        ([ONE, None], "wrong_fields", FIELDS_OF),
        ([ONE, {"type": "lab", "text": "x"}], "wrong_fields", FIELDS_OF),
        (event(value=3), "wrong_fields", FIELDS_OF),
        (event(hours_before_prediction="3"), "not_a_number",
         "event 2 of the event sequence has no finite number as hours_before_prediction; send"),
        (event(hours_before_prediction=None), "not_a_number", "no finite number"),
        (event(hours_before_prediction=True), "not_a_number", "no finite number"),
        (event(hours_before_prediction=NAN), "not_a_number", "no finite number"),
        (event(hours_before_prediction=10**400), "not_a_number", "no finite number"),
        ('[{"hours_before_prediction": Infinity, "type": "lab", "text": "x"}]', "not_a_number",
         "event 1 of the event sequence has no finite"),
        (event(hours_before_prediction=-2.5), "after_prediction",
         "event 2 of the event sequence happened 2.5 h after the prediction; send only what was"),
        (event(hours_before_prediction=6e5), "too_old", "above 68 years; correct it"),
        (event(type="imaging"), "unknown_type",
         "event 2 of the event sequence is of an unknown type; send one of prescription, proc"),
        (event(type=3), "unknown_type", "unknown type"),
        (event(text=" "), "without_text", "event 2 of the event sequence has no readable text"),
        (event(text=None), "without_text", "no readable text"),
        ('[{"hours_before_prediction": 1, "type": "lab", "text": "a\\ud800"}]', "without_text",
         "no readable text"),
        ([ONE] * (MOST + 1), "too_many_events",
         f"the event sequence has {MOST + 1} events, above the limit of {MOST}"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_its_sentence(
    sent: Any, code: str, sentence: str
) -> None:
    with pytest.raises(RecordError, match=sentence) as refused:
        sent_events({"events": sent})
    assert refused.value.code == code


def test_an_error_is_its_row_s_alone_and_repeats_no_text(predictor: Predictor) -> None:
    good = {**FIELDS, "events": course()}
    bad = {**FIELDS, "events": event(type="Miller, J.", text="secret")}
    found = predictor.predict(pd.DataFrame([good, bad, good]))
    assert [each.code for each in found] == ["", "unknown_type", ""]
    assert found[0] == found[2] == ask(predictor, **good)
    assert "Miller" not in found[1].error + found[1].fields_note
    assert math.isnan(found[1].probability)


def test_table_signature_and_example_go_together(predictor: Predictor) -> None:
    example = input_example(predictor.facts)
    signature = signature_of(predictor.facts, example)
    assert [(each.name, each.required) for each in signature.inputs] == [
        ("events", False), ("age", False), ("care_unit", False),
    ]  # fmt: skip
    answers = predictor.predict(example)
    assert [each.error for each in answers] == [""]
    table = as_table(answers, predictor.facts)
    assert list(table.columns) == list(example_answer(predictor.facts).columns)
    assert table.loc[0, "inputs"] == "tabular;events"
    assert not [name for name in table if str(name).startswith("contribution.")]


def test_a_network_that_was_not_taught_events_is_refused(predictor: Predictor) -> None:
    own = Predictor.__new__(Predictor)
    member = predictor.members[0]
    stats = member.stats.model_copy(update={"events": None, "tabular": NO_FIELDS})
    untaught = replace(member, stats=stats, imputation=None)
    own.__dict__ = {**predictor.__dict__, "_taker": replace(predictor._taker, members=[untaught])}
    assert "does not say how events become steps" in own.answer({"events": course()}).error
    assert own.text_model is None
    with pytest.raises(InputError, match="has no hidden representation"):
        own.hidden({"events": course()})
