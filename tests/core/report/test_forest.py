"""The forest plot: a line per row, headings without a figure, tones by colour."""

from __future__ import annotations

import pytest

from components.core.metrics.interval import Interval
from components.core.report.forest import Row, forest
from components.core.report.style import BLACK, BLUE, GREY, ORANGE


def row(label: str, value: float, tone: str = "plain") -> Row:
    return Row(
        label=label, interval=Interval(value, value - 0.1, value + 0.1, 9, 0, "x"), tone=tone
    )


def test_rows_and_headings_are_drawn_and_the_same_each_time() -> None:
    rows = [row("everyone", 0.8, "reference"), Row(label="site"), row("A", 0.7, "marked")]
    svg = forest(rows, title="AUROC", line=0.8, chance=0.5)
    assert svg == forest(rows, title="AUROC", line=0.8, chance=0.5)
    assert svg != forest(rows, title="AUROC", line=0.8)
    for text in ("everyone", "site", "0.700 (0.600 to 0.800)"):
        assert f"<!-- {text} -->" in svg


@pytest.mark.parametrize(
    ("tone", "colour"),
    [("plain", BLACK), ("reference", BLUE), ("marked", ORANGE), ("faint", GREY)],
)
def test_a_tone_is_a_colour(tone: str, colour: str) -> None:
    svg = forest([row("A", 0.7, tone)], title="AUROC", line=0.2)
    inside = "#ffffff" if tone == "faint" else colour.lower()
    assert f"fill: {inside}; stroke: {colour.lower()}" in svg.lower()


def test_a_dollar_sign_is_no_formula() -> None:
    svg = forest([row(r"costs $1_ and $\frac", 0.7)], title="AUROC", line=0.2)
    assert r"<!-- costs $1_ and $\frac -->" in svg
