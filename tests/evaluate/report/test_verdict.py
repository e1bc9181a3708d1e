"""The first screen: the headline with its interval, sizes, rivals, audit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from components.core.metrics.interval import Interval
from components.evaluate.report.data import AuditCheck, Baseline, ReportData
from components.evaluate.report.verdict import Tile, tiles
from tests.evaluate.report.example import example, tiny


@pytest.fixture(scope="module")
def data() -> ReportData:
    return example(drawn=False)


def tile(data: ReportData, label: str) -> Tile:
    return next(each for each in tiles(data) if each.label == label)


def test_the_headline_stands_first_with_its_interval(data: ReportData) -> None:
    first, figure = tiles(data)[0], data.figures["auroc"]
    assert (first.label, first.value) == ("AUROC", f"{figure.value:.3f}")
    assert first.details[0] == f"95 % interval {figure.lo:.3f} to {figure.hi:.3f}"
    assert "0.5 is chance, 1 is perfect" in first.details
    assert data.oracle is not None
    assert first.details[-1].endswith(f"{data.oracle.value:.3f}")
    other = tiles(replace(data, headline="auprc", oracle=None))[0]
    assert other.details == (
        f"95 % interval {data.figures['auprc'].lo:.3f} to {data.figures['auprc'].hi:.3f}",
    )


def test_few_events_show_the_interval_and_no_other_figure() -> None:
    found = tiles(tiny())
    assert " to " in found[0].value
    assert found[0].details[0] == "underpowered"
    assert found[0].tone == "warning"
    assert [each.label for each in found[1:]] == [
        "Prevalence of the event", "Against simple models", "Leakage audit",
    ]  # fmt: skip
    assert [each.value for each in found[2:]] == ["not compared", "not run"]


def test_sizes_name_events_patients_and_unknown_outcomes(data: ReportData) -> None:
    split = data.splits[-1]
    sizes = tile(data, "Prevalence of the event")
    assert sizes.details == (f"{split.events} of 900 patients evaluated had the event",)
    censored = replace(data, splits=(*data.splits[:-1], replace(split, censored=7)))
    assert tile(censored, "Prevalence of the event").details[1] == "7 with unknown outcome"


def test_simple_models_are_counted_by_the_whole_interval(data: ReportData) -> None:
    def rival(name: str, lo: float, value: float) -> Baseline:
        gap = {"auroc": Interval(value, lo, value + 0.1, 100, 0, "m")}
        return Baseline(name=name, figures=data.figures, difference=gap)

    two = replace(data, baselines=(rival("a", 0.01, 0.05), rival("b", -0.02, 0.03)))
    found = tile(two, "Against simple models")
    assert (found.value, found.tone) == ("beats 1 of 2", "warning")
    assert found.details[1:] == ("a: +0.050 (0.010 to 0.150)", "b: +0.030 (−0.020 to 0.130)")
    one = replace(data, baselines=(rival("a", 0.01, 0.05),))
    assert tile(one, "Against simple models").tone == "good"
    worse = replace(data, baselines=(rival("a", -0.2, -0.1),))
    assert tile(worse, "Against simple models").details[1].startswith("a: −0.100 (")


def test_figures_that_a_run_lacks_are_left_out(data: ReportData) -> None:
    labels = [each.label for each in tiles(data)]
    assert labels[3:5] == ["Sensitivity / specificity", "Calibration slope"]
    bare = replace(data, figures={"auroc": data.figures["auroc"]})
    assert [each.label for each in tiles(bare)][3:] == ["Leakage audit"]


@pytest.mark.parametrize(
    ("states", "value", "tone"),
    [
        (("ok", "info"), "passed", "good"),
        (("ok", "waived"), "waived", "warning"),
        (("waived", "refused"), "leak found", "warning"),
    ],
)
def test_the_audit_in_a_word(
    data: ReportData, states: tuple[Any, ...], value: str, tone: str
) -> None:
    checks = tuple(AuditCheck(name=s, status=s, sentence=s) for s in states)
    found = tile(replace(data, audit=checks), "Leakage audit")
    assert (found.value, found.tone) == (value, tone)
    assert found.details[-1] == "2 checks made"
    assert len(found.details) == 1 + sum(s in ("waived", "refused") for s in states)
