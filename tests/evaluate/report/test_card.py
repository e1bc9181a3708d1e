"""The model card: every item answered or open, waivers shown, tables whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.core.errors import ConfigError
from components.core.report.section import Section, Table
from components.core.report.tripod import ITEMS
from components.evaluate.report.answers import entries
from components.evaluate.report.card import render_card, render_card_page
from components.evaluate.report.data import ReportData
from tests.evaluate.report.example import example, tiny
from tests.evaluate.report.test_html import Page


@pytest.fixture(scope="module")
def data() -> ReportData:
    return example(drawn=False)


def test_the_checklist_is_whole() -> None:
    numbers = [item.number for item in ITEMS]
    assert len(set(numbers)) == len(numbers) == 52
    assert {number.rstrip("abcdefg") for number in numbers} == {str(n) for n in range(1, 28)}


def test_every_item_is_either_answered_or_listed_as_open(data: ReportData) -> None:
    card = render_card(data)
    answered, left = card.split("## Open items")[1].split("## Title and abstract")[::-1]
    for entry in entries(data):
        line = f"{entry.item.number} {entry.item.asks}"
        assert (f"### {line}\n" in answered) is (entry.answer is not None)
        assert (f"- {line}\n" in left) is (entry.answer is None)


def test_what_only_people_know_is_open_until_they_say_it(data: ReportData) -> None:
    silent = {e.item.number for e in entries(replace(data, statements={})) if e.answer is None}
    assert {"17", "18a", "19", "5b"} <= silent
    said = replace(data, statements={"17": "Approved by the board.", "26": "One centre."})
    card = render_card(said)
    assert "Approved by the board." in card
    assert card.rstrip().endswith("One centre.")
    with pytest.raises(ConfigError, match="item '28', which TRIPOD"):
        entries(replace(data, statements={"28": "x"}))


def test_first_lines_and_waivers(data: ReportData) -> None:
    lines = render_card(data).splitlines()
    assert lines[0] == f"# Model card: {data.title}"
    assert lines[2].startswith("**AUROC 0.")
    card = "\n".join(lines)
    assert "**Not for clinical use." in card
    assert "- `identical_waveforms`: 2 identical recordings in train and test. Waived" in card
    assert "(with changes that are in no commit), made 2025" in card
    assert "- Warning: Audit check" in card


def test_tables_have_as_many_cells_as_columns(data: ReportData) -> None:
    lines = render_card(data).splitlines()
    separators = [number for number, line in enumerate(lines) if line.startswith("| ---")]
    assert len(separators) >= 7
    for number in separators:
        assert lines[number - 2] == ""
        width = lines[number].count("|")
        assert lines[number - 1].count("|") == width
        row = number + 1
        while row < len(lines) and lines[row].startswith("|"):
            assert lines[row].replace("\\|", "").count("|") == width
            row += 1
        assert row > number + 1
        assert row == len(lines) or lines[row] == ""


def test_text_of_others_breaks_neither_table_nor_page(data: ReportData) -> None:
    check = replace(data.audit[0], sentence="a | b\n\n<script>")
    card = render_card(replace(data, audit=(check,)))
    assert "| a \\| b &lt;script&gt; |" in card


def test_a_bare_run_gives_a_card_too() -> None:
    card = render_card(tiny())
    assert "\n**Underpowered: AUROC anywhere from" in card
    assert "below the limit of 20 patients" in card
    assert "No leakage audit was run. No waiver.\n" in card
    assert "- 24 Result of updating\n" in card
    assert "Without recalibration" in card
    assert "no commit" not in card


def test_the_card_says_use_audit_and_known_failures(data: ReportData) -> None:
    for card in (render_card(data), render_card_page(data)):
        assert "Research on whether this can be predicted: CTRCD of moderate" in card
        assert "Of 3 checks: 1 waived, 1 passed, 1 for information." in card
        assert "failed and was waived" in card.split("Known failures")[-1 if "#" in card else 1]
    bare = render_card(replace(tiny(), audit=data.audit[:1]))
    assert "Of 1 check: 1 passed. No waiver." in bare
    calm = replace(data, audit=data.audit[:1], synthetic=False)
    assert "None was found by this run" in render_card(calm)
    assert "None was found by this run" in render_card_page(calm)


def test_what_stages_and_people_know_stands_behind_what_figures_say(data: ReportData) -> None:
    told = replace(
        data, known={"12c": "Trained once.", "5b": "2014 to 2020."}, statements={"12c": "By hand."}
    )
    answers = {entry.item.number: entry.answer for entry in entries(told)}
    own = answers["12c"]
    assert own is not None
    assert own.text.endswith("tabular features. Trained once. By hand.")
    assert answers["5b"] is not None
    assert answers["6a"] is None


def test_tables_of_analyses_stand_once_and_are_pointed_to(data: ReportData) -> None:
    table = Table("Groups & more", ("Group", "AUROC"), (("women", "0.7"),))
    plain = {e.item.number: e.answer for e in entries(replace(data, sections=()))}
    assert plain["14"] is None
    assert plain["23a"] is not None
    assert plain["23a"].text.endswith("Subgroups were not evaluated in this run. Best possible on "
                                      f"this synthetic cohort: AUROC {data.oracle.text()}."
                                      if data.oracle else "")  # fmt: skip
    sections = (
        Section(name="subgroups", title="Does it serve all?", tables=(table,)),
        Section(name="new", title="Something new"),
        Section(name="patients", title="Who?", tables=(table,), items=("20b",)),
    )
    told = replace(data, sections=sections)
    found = {e.item.number: e.answer for e in entries(told)}
    assert found["14"] is not None
    assert found["14"].text == "Does it serve all? See item 23a."
    assert found["23a"] is not None
    assert found["23a"].tables[-1] == table
    assert "Subgroups were not" not in found["23a"].text
    assert found["20b"] is not None
    assert found["20b"].tables == (table,)
    assert found["20c"] is not None
    assert render_card(told).count("**Groups &amp; more**") == 2
    assert render_card_page(told).count("<caption>Groups &amp; more</caption>") == 2


def test_the_card_as_a_page_is_whole_and_loads_nothing(data: ReportData) -> None:
    text = render_card_page(replace(data, title="<script>x", statements={"18a": "None <b>."}))
    page = Page(text)
    assert page.open == []
    assert page.all("script") == [{}]
    assert page.all("link") == []
    assert "&lt;script&gt;x" in text
    assert "None &lt;b&gt;." in text
    anchors = [each["href"] for each in page.all("a")][1:]
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {str(each).removeprefix("#") for each in anchors} | {"origin"} == set(ids)
    for entry in entries(data):
        assert f"<h3>{entry.item.number} {entry.item.asks}</h3>" in text
    assert text.count('<p class="open">Open.</p>') == sum(
        e.answer is None for e in entries(replace(data, statements={"18a": "x"}))
    )
