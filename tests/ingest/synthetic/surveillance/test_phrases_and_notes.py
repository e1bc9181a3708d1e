"""Notes hold the findings that were drawn, and state ejection fractions only where listed."""

from __future__ import annotations

import re
from datetime import timedelta

import numpy as np
import pytest
from scipy.special import expit

from components.ingest.synthetic.identity import planted
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.surveillance import phrases, sentences
from components.ingest.synthetic.surveillance.ejection import FORMS, mention
from components.ingest.synthetic.surveillance.notes import Note
from components.ingest.synthetic.surveillance.visit import Surveyed, draw_visit
from components.ingest.synthetic.surveillance.write import patient_notes

SEED = 20240501
STATED = re.compile(r"\bEF\b|LVEF|jection|ystolic function|HF[a-z]+EF")


@pytest.fixture(scope="module")
def written(blocks: list[Surveyed]) -> list[tuple[Surveyed, int, list[Note]]]:
    found = []
    for surveyed in blocks[:3]:
        for patient in np.flatnonzero(surveyed.state.returns):
            visit = draw_visit(surveyed, int(patient), SEED)
            notes = list(patient_notes(surveyed, int(patient), visit, SEED))
            found.append((surveyed, int(patient), notes))
    return found


def test_findings_have_their_log_odds() -> None:
    drawn = phrases.draw_findings(np.full(40_000, 1.5), stream(1, "findings"))
    for place, phrase in enumerate(phrases.PHRASES):
        status = drawn.status[:, place]
        expected = expit(phrase.at_zero + 1.5 * phrase.log_odds)
        assert (status == phrases.ASSERTED).mean() == pytest.approx(expected, abs=0.012)
        said = (status[status != phrases.ASSERTED] == phrases.NEGATED).mean()
        negated = expit(phrases.NEGATED_AT_ZERO - 1.5 * phrases.NEGATED_LOG_ODDS)
        assert said == pytest.approx(negated, abs=0.015)


def test_likelihood_sums_to_one_over_all_that_notes_can_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = 2
    for name in ("_AT_ZERO", "_LOG_ODDS"):
        monkeypatch.setattr(phrases, name, getattr(phrases, name)[:few])
    every = np.array([(a, b) for a in range(3) for b in range(3)] + [(0, 0)])
    has_note = np.array([True] * 9 + [False])
    found = phrases.Findings(status=every, has_note=has_note)
    total = np.exp(phrases.log_likelihood(found, np.array([-1.0, 0.0, 2.0]))).sum(axis=0)
    np.testing.assert_allclose(total, 1.0)


def test_share_without_a_note(blocks: list[Surveyed]) -> None:
    has_note = np.concatenate([each.findings.has_note for each in blocks])
    assert 0.055 < 1 - has_note.mean() < 0.085


def _says(text: str, place: int, frames: tuple[str, ...]) -> bool:
    forms = phrases.PHRASES[place].forms
    return any(
        (line := frame.format(form))[0].upper() + line[1:] in text
        for frame in frames
        for form in forms
    )


def test_notes_say_what_was_drawn_and_no_finding_else(
    written: list[tuple[Surveyed, int, list[Note]]],
) -> None:
    agreed = total = 0
    for surveyed, patient, notes in written:
        if not surveyed.findings.has_note[patient]:
            assert notes == []
            continue
        text = "\n".join(note.text for note in notes if not note.after)
        for place, status in enumerate(surveyed.findings.status[patient]):
            kind = phrases.PHRASES[place].kind
            asserted = _says(text, place, sentences.ASSERTED[kind])
            negated = _says(text, place, sentences.NEGATED[kind])
            expected = (status == phrases.ASSERTED, status == phrases.NEGATED)
            # A typing error may hide a finding, but never turns it round.
            assert not (asserted and not expected[0])
            assert not (negated and not expected[1])
            agreed += (asserted, negated) == expected
            total += 1
    assert agreed / total > 0.97


def test_an_ejection_fraction_stands_only_in_notes_that_are_counted(
    written: list[tuple[Surveyed, int, list[Note]]],
) -> None:
    notes = [note for _, _, each in written for note in each]
    for note in notes:
        assert bool(STATED.search(note.text)) == bool(note.form), note.text
    before = [note for note in notes if not note.after]
    assert 0.25 < np.mean([bool(note.form) for note in before]) < 0.35
    assert {note.form for note in notes if note.form} == set(FORMS)


def test_notes_after_the_echo_state_it_and_the_others_come_before_everything(
    written: list[tuple[Surveyed, int, list[Note]]],
) -> None:
    after = 0
    for surveyed, patient, notes in written:
        visit = draw_visit(surveyed, patient, SEED)
        for note in notes:
            assert note.stored > note.time
            if note.after:
                after += 1
                assert note.form
                assert visit.echoes[0].time < note.time <= visit.last + timedelta(minutes=1)
            else:
                assert note.stored < visit.informed
    assert after > 50


def test_names_stand_in_some_notes(written: list[tuple[Surveyed, int, list[Note]]]) -> None:
    texts = [note.text for _, _, notes in written for note in notes]
    named = [any(name in text for name in planted()) for text in texts]
    assert 0.3 < np.mean(named) < 0.5


@pytest.mark.parametrize(
    ("lvef", "word", "failure"),
    [(62, "normal", "preserved EF"), (50, "normal", "preserved EF"),
     (49, "mildly reduced", "HFmrEF"), (41, "mildly reduced", "HFmrEF"),
     (40, "moderately reduced", "HFrEF"), (29, "severely reduced", "HFrEF")],
)  # fmt: skip
def test_words_follow_the_grades(lvef: int, word: str, failure: str) -> None:
    assert word in FORMS["grade"](lvef)
    assert failure in FORMS["failure class"](lvef)


def test_numbers_are_those_of_the_fraction() -> None:
    assert FORMS["range"](38) == "LVEF 35-40 %."
    assert FORMS["fraction"](35) == "EF: 0.35."
    assert FORMS["hyphen"](8) == "ejection-fraction 0.08 by 3D."
    assert FORMS["bound"](49) == "Global LV function with EF < 50 %."
    name, sentence = mention(-3.0, stream(1, "form"))
    assert sentence == FORMS[name](5)


def test_uninformative_sentences_name_no_finding_and_no_function() -> None:
    pool = [line for lines in sentences.UNINFORMATIVE.values() for line in lines]
    text = "\n".join([*pool, *sentences.PLANS, *sentences.HEADINGS]).lower()
    assert not STATED.search(text)
    for phrase in phrases.PHRASES:
        assert not any(form.lower() in text for form in phrase.forms)
