"""Words of notes: only what enough patients share, signed, with intervals."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.errors import InputError
from components.core.metrics.resampling import Plan
from components.explain.pictures.tokens import (
    LEVELS,
    MOST_WORDS,
    Note,
    limit_of,
    marked,
    signed,
    word_table,
)

PLAN = Plan(draws=200)


def note(**changes: float) -> Note:
    return Note(words=tuple(changes), change=np.array(list(changes.values()), np.float64))


def test_a_word_of_few_patients_is_left_out() -> None:
    notes = [note(oedema=0.2, Jane=0.9)] * 4 + [note(oedema=0.4)] * 4
    made = word_table(notes, [1, 1, 2, 3, 4, 5, 6, 7], plan=PLAN)
    assert [row[0] for row in made.rows] == ["oedema"]
    assert made.rows[0][2] == "7"
    assert "Words of fewer than 5 patients are left out." in made.note
    # Ten notes of one patient are one patient.
    assert word_table([note(secret=1.0)] * 10, [1] * 10, plan=PLAN).rows == ()


def test_the_mean_is_over_records_and_case_and_marks_do_not_matter() -> None:
    one = Note(words=("Oedema,", "(oedema)", "--", "."), change=np.array([0.1, 0.3, 0.0, 9.0]))
    two = Note(words=("OEDEMA",), change=np.array([0.6]))
    made = word_table([one] * 5 + [two] * 5, np.arange(10), plan=PLAN)
    first = {row[0]: row[1] for row in made.rows}
    assert set(first) == {"oedema", "--"}
    assert first["oedema"].startswith("0.400 (")


def test_the_strongest_words_come_first_in_either_direction() -> None:
    made = word_table([note(a=0.1, b=-0.5, c=0.3)] * 6, np.arange(6), plan=PLAN)
    assert [row[0] for row in made.rows] == ["b", "c", "a"]
    assert made.rows[0][1] == "−0.500 (−0.500 to −0.500)"


def test_the_table_is_short_and_an_empty_one_is_a_table() -> None:
    many = Note(words=tuple(f"w{k}" for k in range(99)), change=np.linspace(-1, 1, 99))
    assert len(word_table([many] * 5, np.arange(5), plan=PLAN).rows) == MOST_WORDS
    silent = Note(words=(), change=np.zeros(0))
    assert word_table([silent] * 5, np.arange(5), plan=PLAN).rows == ()
    assert limit_of([silent]) == 0.0
    assert limit_of([]) == 0.0


def test_fewer_patients_cannot_be_asked_for() -> None:
    with pytest.raises(InputError, match="words of 4 patients were asked for; 5 is the least"):
        word_table([note(a=1.0)], [1], plan=PLAN, least=4)


def test_a_note_needs_one_change_per_word() -> None:
    with pytest.raises(InputError, match=r"2 words and changes of shape \(1,\); give one change"):
        Note(words=("a", "b"), change=np.zeros(1))


def test_marks_tell_sign_and_size() -> None:
    found = marked(note(a=1.0, b=-0.5, c=0.0, d=float("nan"), e=9.0), limit=1.0)
    assert [each.level for each in found] == [LEVELS, -LEVELS // 2, 0, 0, LEVELS]
    assert [each.kind for each in found[:2]] == ["t4", "a2"]
    assert [each.change for each in found[:3]] == ["+1.000", "−0.500", "0.000"]
    assert all(each.level == 0 for each in marked(note(a=1.0), limit=0.0))


def test_signs_are_true_minus_signs() -> None:
    assert signed(-0.1234) == "−0.123"


def test_one_word_in_a_hundred_does_not_pale_the_rest() -> None:
    own = Note(words=("w",) * 100, change=np.r_[np.full(99, 0.2), 50.0])
    assert limit_of([own]) == pytest.approx(0.2)
