"""The picture of every subset of the inputs."""

from __future__ import annotations

from components.core.metrics.interval import Interval
from components.evaluate.report.subset_matrix import Line, subset_matrix

INPUTS = {"a": "first", "b": "second"}


def figure(value: float) -> Interval:
    return Interval(value, value - 0.1, value + 0.1, 100, 0, "test")


def test_each_line_has_its_figure_and_a_gap_is_said() -> None:
    lines = [
        Line(kept=("a", "b"), figures={"death": figure(0.8125), "back": figure(0.71)}),
        Line(kept=("a",), figures={"death": figure(0.6), "back": None}, faint=("death",)),
    ]
    svg = subset_matrix(lines, INPUTS, title="AUROC")
    assert svg.count("a class has nobody") == 1
    for text in ("0.812", "0.600", "0.710", "first", "second", "death: AUROC", "back: AUROC"):
        assert f"<!-- {text} -->" in svg
    # The layout differs in its last bits from call to call unless it is rounded.
    assert {subset_matrix(lines, INPUTS, title="AUROC") for _ in range(12)} == {svg}
