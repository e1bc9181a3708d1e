"""Pictures of the heads: confusion matrix, risk-coverage curve, calibration by several days."""

from __future__ import annotations

import re

import numpy as np

from components.core.metrics.interval import Interval
from components.core.metrics.survival_calibration import RiskGroup
from components.evaluate.report.calibration_panels import calibration_panels
from components.evaluate.report.confusion import confusion_plot
from components.evaluate.report.plots import BLACK
from components.evaluate.report.risk_coverage import Series, risk_coverage_plot


def texts(svg: str) -> list[str]:
    return [found.strip() for found in re.findall(r"<!--(.*?)-->", svg)]


def test_the_matrix_shows_counts_and_shares_of_the_row() -> None:
    svg = confusion_plot(np.array([[1900, 100], [0, 0]]), ("low $_x$", "high"))
    shown = texts(svg)
    for text in ("1,900", "95 %", "5 %", "—", "low $_x$", "Called", "True"):
        assert text in shown
    assert svg == confusion_plot(np.array([[1900, 100], [0, 0]]), ("low $_x$", "high"))
    # Letters are white on dark cells alone.
    assert "fill: #ffffff" in svg
    pale = confusion_plot(np.array([[1, 1], [1, 1]]), ("a", "b"))
    assert f"fill: {BLACK}" in pale


def interval(value: float) -> Interval:
    return Interval(value, value - 0.05, value + 0.05, 0, 0, "x")


def test_the_curve_has_a_line_for_each_score() -> None:
    rng = np.random.default_rng(0)
    wrong = (rng.random(400) < 0.2) * 1.0
    each = [
        Series(name=name, area=interval(area), confidence=rng.random(400) - wrong)
        for name, area in (("one", 0.1), ("other", 0.2))
    ]
    shown = texts(risk_coverage_plot(wrong, each))
    rate = f"no order: {wrong.mean():.3f}"
    for text in ("one", "AURC 0.100 (0.050 to 0.150)", "other", rate, "best possible"):
        assert text in shown


def test_a_handful_of_answers_is_drawn_without_a_line() -> None:
    few = Series(name="few", area=interval(0.1), confidence=np.arange(5.0))
    assert "few" in texts(risk_coverage_plot(np.array([0.0, 1, 0, 0, 1]), [few]))


def group(predicted: float, observed: float) -> RiskGroup:
    return RiskGroup(predicted=predicted, observed=interval(observed), patients=50, events=20)


def test_each_day_has_a_panel_and_its_ratio() -> None:
    unknown = RiskGroup(
        predicted=0.3, observed=Interval(np.nan, np.nan, np.nan, 0, 0, "x"), patients=5, events=0
    )
    groups = {
        30.0: (group(0.1, 0.08),), 91.0: (group(0.1, 0.1), unknown),
        365.0: (group(0.2, 0.2), group(0.95, 0.97)),
    }  # fmt: skip
    ratio = {day: interval(1.0) for day in groups}
    svg = calibration_panels(groups, ratio)
    shown = texts(svg)
    for day in ("30", "91", "365"):
        assert f"Day {day}: O/E 1.00 (0.95 to 1.05)" in shown
    assert svg == calibration_panels(groups, ratio)
