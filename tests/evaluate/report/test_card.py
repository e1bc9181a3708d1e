"""The model card: every item answered or open, waivers shown, tables whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.core.errors import ConfigError
from components.core.report.tripod import ITEMS
from components.evaluate.report.card import entries, render_card
from components.evaluate.report.data import ReportData
from tests.evaluate.report.example import example, tiny


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
    assert "## Waivers\n\nNone.\n" in card
    assert "- 24 Result of updating\n" in card
    assert "Without recalibration" in card
    assert "no commit" not in card
