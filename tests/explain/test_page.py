"""The page: order, escaping, self-containment, what is said at the top."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from components.core.errors import CardioError
from components.core.report.section import Notice, Plot, Section, Table
from components.explain.page import Head, Record, render_page
from components.explain.pictures.tokens import Note, marked

NASTY = '<script>alert("1")</script>'


def head(**changes: Any) -> Head:
    base: dict[str, Any] = {
        "title": "CTRCD", "model": "ctrcd_head@champion", "target": "log-odds of CTRCD",
        "inputs": ("ecg", "tabular"), "part": "val", "records": 200, "patients": 150,
        "events": 30, "methods": ("Integrated Gradients",),
    }  # fmt: skip
    return Head(**(base | changes))


def page(**changes: Any) -> str:
    base: dict[str, Any] = {"head": head(), "notices": (), "faithfulness": (), "cohort": ()}
    return render_page(**(base | changes))


def test_trust_comes_first_then_the_cohort_then_single_records() -> None:
    warned = Section(name="f", title="Trusted?", notices=(Notice("warning", "Do not."),))
    made = page(faithfulness=[warned], cohort=[Section(name="c", title="Cohort!")],
                records=[Record(name="row-3", facts=("risk 5 %",))],
                notices=[Notice("note", "Validation part.")])  # fmt: skip
    body = made[made.index("<main>") :]
    places = [body.index(each) for each in ("Trusted?", "Cohort!", "Single records", "risk 5 %")]
    assert places == sorted(places)
    assert made.index("Validation part.") < made.index("Do not.") < made.index("<main>")
    for anchor in ("f", "c", "records", "record-row-3"):
        assert f'href="#{anchor}"' in made
        assert f'id="{anchor}"' in made


def test_the_head_states_what_how_and_whom() -> None:
    made = page()
    assert "ECG: a trace at 0 mV; clinical fields: the mean of the training patients" in made
    assert "200 records of 150 patients (validation part), prevalence 15.0 % (30)" in made
    assert "prevalence not known" in page(head=head(events=None))
    assert "(test part)" in page(head=head(part="test"))
    assert "Not for clinical use" in made
    assert "Single records" not in made


def test_an_unstated_baseline_is_a_fault() -> None:
    with pytest.raises(CardioError, match="baseline of 'gait' is not stated; add it to STATED"):
        head(inputs=("gait",)).rows()


def test_everything_of_others_is_escaped() -> None:
    note = Note(words=(NASTY, "x"), change=np.array([1.0, -1.0]))
    table = Table(NASTY, (NASTY,), ((NASTY,),), NASTY)
    record = Record(name="row-1", facts=(NASTY,), words=marked(note, 1.0), tables=(table,))
    section = Section(name="s", title=NASTY, text=(NASTY,), tables=(table,))
    plot = Plot(name="p", svg="<svg/>", alt=NASTY, wide=True)
    made = page(head=head(title=NASTY, model=NASTY), notices=[Notice("note", NASTY)],
                cohort=[section, Section(name="t", title="t", plots=(plot,))],
                records=[record])  # fmt: skip
    assert "alert(" in made
    assert NASTY not in made
    assert made.count("<script>") == 1


def test_words_of_a_note_are_marked_and_explained() -> None:
    note = Note(words=("oedema", "no", "pain"), change=np.array([1.0, -0.5, 0.0]))
    made = page(records=[Record(name="row-1", words=marked(note, 1.0))])
    assert '<mark class="t4" title="+1.000">oedema</mark>' in made
    assert '<mark class="a2" title="−0.500">no</mark>' in made
    assert re.search(r"</mark> pain ", made)
    assert "orange with a solid line speaks for the event" in made
    assert "<mark" not in page(records=[Record(name="row-1")])


def test_the_page_loads_nothing_and_is_the_same_each_time() -> None:
    plot = Plot(name="p", svg="<svg/>", alt="a")
    first, second = (page(cohort=[Section(name="s", title="t", plots=(plot,))]) for _ in range(2))
    assert first == second
    assert set(re.findall(r'(?:src|href)="([^"#][^"]{0,20})', first)) == {
        "data:image/svg+xml;bas"[:21]
    }
